//! The connection, made again when it is lost.

use std::{collections::HashSet, io, sync::Arc, time::Duration};

use futures::future::try_join_all;
use lapin::{
    Channel, Connection, ConnectionProperties, ErrorKind,
    options::{ConfirmSelectOptions, QueueDeclareOptions},
    types::FieldTable,
};

use super::{
    Inner, broker,
    topology::{Lane, Names},
};
use crate::QueueError;

/// How long the broker may take to let us in.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may take to make what must be there.
const MAKE: Duration = Duration::from_secs(60);
/// RabbitMQ writes the register of its quorum queues half a second after the last change. A queue
/// that a kill -9 finds out of it comes back without a leader and without its messages, confirmed
/// or not: none may enter it before.
const SETTLE: Duration = Duration::from_millis(1500);
/// How long it may take to let us go.
const LEAVE: Duration = Duration::from_secs(5);

/// A connection, and the channels that are not about one delivery.
pub(super) struct Link {
    pub(super) connection: Connection,
    /// What is published here is confirmed.
    pub(super) confirmed: Channel,
    /// What is published here may be lost.
    pub(super) lossy: Channel,
}

impl Link {
    fn is_up(&self) -> bool {
        self.connection.status().connected()
            && self.confirmed.status().connected()
            && self.lossy.status().connected()
    }

    pub(super) async fn close(&self) {
        // An error means that it is gone already.
        let _ = tokio::time::timeout(LEAVE, self.connection.close(200, "done".into())).await;
    }
}

impl Inner {
    /// The connection there is, or a new one.
    pub(super) async fn link(&self) -> Result<Arc<Link>, QueueError> {
        let mut link = self.link.lock().await;
        self.is_open()?;
        if let Some(link) = link.as_ref().filter(|link| link.is_up()) {
            return Ok(Arc::clone(link));
        }
        if let Some(old) = link.take() {
            tracing::warn!("the connection to the broker is lost: connecting again");
            tokio::spawn(async move { old.close().await });
        }
        let new = within(CONNECT, self.connect()).await.and_then(|new| new.map_err(refused))?;
        within(MAKE, self.furnish(&new)).await.and_then(|made| made.map_err(refused))?;
        let new = Arc::new(new);
        *link = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Says that something that must be there is not: the next call makes it again.
    pub(super) async fn distrust(&self, link: &Arc<Link>) {
        let mut current = self.link.lock().await;
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, link)) {
            tracing::warn!("the connection to the broker is given up: connecting again");
            *current = None;
            let old = Arc::clone(link);
            tokio::spawn(async move { old.close().await });
        }
    }

    /// Makes those of `lanes` that nobody asked for before.
    pub(super) async fn demand(&self, lanes: &[Lane]) -> Result<(), QueueError> {
        let new = |known: &HashSet<Lane>| -> Vec<Lane> {
            let new =
                lanes.iter().filter(|lane| lane.is_made_on_demand() && !known.contains(*lane));
            new.cloned().collect()
        };
        if new(&*self.demanded.lock().await).is_empty() {
            return Ok(());
        }
        // Before the lock: a new connection takes both, in this order.
        let link = self.link().await?;
        let mut known = self.demanded.lock().await;
        let missing = new(&known);
        let made = within(MAKE, self.make_lanes(&link.connection, missing.clone())).await?;
        made.map_err(broker)?;
        known.extend(missing);
        Ok(())
    }

    /// Makes a lane where it is missing.
    pub(super) async fn make_lane(&self, link: &Link, lane: &Lane) -> Result<(), QueueError> {
        self.make_lanes(&link.connection, vec![lane.clone()]).await.map_err(broker)
    }

    /// Makes the lanes that are missing, and waits until they are sure to outlive the broker. Each is
    /// made on a channel of its own, all at once: a quorum queue takes a second where the disk is busy.
    async fn make_lanes(&self, connection: &Connection, lanes: Vec<Lane>) -> lapin::Result<()> {
        let made = lanes.iter().map(|lane| self.make(connection, lane));
        if try_join_all(made).await?.contains(&true) {
            tokio::time::sleep(SETTLE).await;
        }
        Ok(())
    }

    /// Makes a lane; whether it was missing.
    async fn make(&self, connection: &Connection, lane: &Lane) -> lapin::Result<bool> {
        let missing = !self.exists(connection, lane).await?;
        let channel = connection.create_channel().await?;
        self.names.declare_lane(&channel, lane).await?;
        channel.close(200, "done".into()).await?;
        Ok(missing)
    }

    async fn exists(&self, connection: &Connection, lane: &Lane) -> lapin::Result<bool> {
        // The broker closes the channel of who asks for what is not there.
        let channel = connection.create_channel().await?;
        let asking = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        let queue = self.names.queue(lane);
        match channel.queue_declare(queue, asking, FieldTable::default()).await {
            Ok(_) => channel.close(200, "done".into()).await.map(|()| true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn connect(&self) -> lapin::Result<Link> {
        let properties = ConnectionProperties::default().with_connection_name("kinora".into());
        let runtime = lapin::runtime::default_runtime()?;
        let connection = Connection::connect_uri_with_config(
            self.address.clone(),
            properties,
            self.tls.clone(),
            runtime,
        )
        .await?;
        let confirmed = connection.create_channel().await?;
        confirmed.confirm_select(ConfirmSelectOptions::default()).await?;
        let lossy = connection.create_channel().await?;
        Ok(Link { connection, confirmed, lossy })
    }

    /// Makes what must be there, and listens.
    async fn furnish(&self, link: &Link) -> lapin::Result<()> {
        self.names.declare(&link.confirmed).await?;
        let demanded = self.demanded.lock().await.clone();
        self.make_lanes(&link.connection, Names::lanes().chain(demanded).collect()).await?;
        self.listen(&link.lossy).await
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, QueueError> {
    let late = |_| QueueError::Broker("it does not answer".to_owned());
    tokio::time::timeout(limit, work).await.map_err(late)
}

/// Codes of refusals that are no matter of time (AMQP 0-9-1, 1.2): access-refused,
/// precondition-failed, not-allowed.
const FOR_GOOD: [u16; 3] = [403, 406, 530];

/// What the broker says to who asks to be let in, or for what must be there.
fn refused(error: lapin::Error) -> QueueError {
    let for_good = match error.kind() {
        ErrorKind::ProtocolError(said) => FOR_GOOD.contains(&said.get_id()),
        // Of TLS: certificates that are not believed.
        ErrorKind::IOError(error) => error.kind() == io::ErrorKind::InvalidData,
        _ => false,
    };
    if for_good { QueueError::Refused(error.to_string()) } else { broker(error) }
}

/// Whether what was asked for is not there (404, AMQP 0-9-1 1.2).
pub(super) fn is_missing(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if error.get_id() == 404)
}
