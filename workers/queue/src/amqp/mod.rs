//! The distributed adapter: RabbitMQ.
//!
//! - Lanes are durable quorum queues; whoever publishes waits until the broker has what it said.
//! - Every delivery has a channel of its own. Closing it gives the message back, whatever became of
//!   its holder, and a consumer takes one message only when somebody asks for one: no process holds
//!   what another could be doing.
//! - A lost connection is made again, with everything that must be there, by the next call.
//! - What this version cannot read goes to the dead letters with the reason.

mod cloud_event;
mod consuming;
mod events;
mod link;
mod lossy;
mod publish;
mod receive;
mod topology;
mod trust;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use kinora_plan::{
    device::EncoderFamily,
    job::{Control, JobClass, JobMessage, JobProgress, JobReport},
};
use lapin::{tcp::OwnedTLSConfig, uri::AMQPUri};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[cfg(test)]
pub(crate) use self::cloud_event::write as write_event;
pub use self::trust::Trust;
pub(crate) use self::{
    cloud_event::{CloudEvent, MEDIA_TYPE as EVENT_MEDIA_TYPE, SOURCE},
    topology::events_exchange,
};
use self::{
    link::Link,
    receive::{Taken, Waiting},
    topology::{Lane, Names},
};
use crate::{JobDelivery, JobQueue, QueueError, Receipt, ReportDelivery, lane::JobLane};

/// How many signs of life a slow reader may be behind.
const PROGRESS_BACKLOG: usize = 1024;
/// A connection on which nothing comes for twice as long is given up, seconds.
const HEARTBEAT_S: u16 = 10;
/// How many control words a slow worker may be behind.
const CONTROL_BACKLOG: usize = 256;

/// [`JobQueue`] and [`crate::EventBus`] on a RabbitMQ broker.
pub struct AmqpQueue(Arc<Inner>);

struct Inner {
    address: AMQPUri,
    tls: OwnedTLSConfig,
    names: Names,
    link: tokio::sync::Mutex<Option<Arc<Link>>>,
    /// Lanes that were made because somebody asked for them.
    demanded: tokio::sync::Mutex<HashSet<Lane>>,
    /// Deliveries that somebody holds.
    held: Mutex<HashMap<Uuid, Taken>>,
    /// Consumers whose receiver went away a moment ago: the next one goes on with them.
    waiting: Mutex<Vec<Waiting>>,
    progress: broadcast::Sender<JobProgress>,
    control: broadcast::Sender<Control>,
    closed: CancellationToken,
}

impl AmqpQueue {
    /// Connects to the broker at `url` (`amqp://USER:PASSWORD@HOST:PORT/VHOST`, or `amqps://…` for
    /// TLS) and makes what is missing there. Everything is named after `namespace`, so that several
    /// may share a broker.
    ///
    /// # Errors
    /// The broker cannot be reached, or refuses.
    pub async fn open(url: &str, namespace: &str, trust: Trust) -> Result<Self, QueueError> {
        // What the parser says may hold the password.
        let unreadable = |_| {
            QueueError::Broker(
                "its address is not amqp://HOST/VHOST or amqps://HOST/VHOST".to_owned(),
            )
        };
        let mut address: AMQPUri = url.parse().map_err(unreadable)?;
        address.query.heartbeat.get_or_insert(HEARTBEAT_S);
        let inner = Arc::new(Inner {
            address,
            tls: trust.into_config(),
            names: Names::new(namespace),
            link: tokio::sync::Mutex::default(),
            demanded: tokio::sync::Mutex::default(),
            held: Mutex::default(),
            waiting: Mutex::default(),
            progress: broadcast::channel(PROGRESS_BACKLOG).0,
            control: broadcast::channel(CONTROL_BACKLOG).0,
            closed: CancellationToken::new(),
        });
        inner.link().await?;
        Ok(Self(inner))
    }

    /// Hands back what is held and ends the connection. Who waits for a message, and every later
    /// call, gets [`QueueError::Closed`].
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl Inner {
    async fn close(&self) {
        self.closed.cancel();
        lock(&self.waiting).clear();
        lock(&self.held).clear();
        if let Some(link) = self.link.lock().await.take() {
            link.close().await;
        }
    }

    fn is_open(&self) -> Result<(), QueueError> {
        if self.closed.is_cancelled() { Err(QueueError::Closed) } else { Ok(()) }
    }
}

impl Drop for AmqpQueue {
    fn drop(&mut self) {
        let inner = Arc::clone(&self.0);
        inner.closed.cancel();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { inner.close().await });
        }
    }
}

impl fmt::Debug for AmqpQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpQueue").field("names", &self.0.names).finish_non_exhaustive()
    }
}

#[async_trait]
impl JobQueue for AmqpQueue {
    async fn dispatch(&self, message: &JobMessage) -> Result<(), QueueError> {
        let lane = Lane::Jobs(JobLane::of(message));
        self.0.add(&lane, &to_json("job", message)?, message.trace).await
    }

    async fn receive(
        &self,
        classes: &[JobClass],
        devices: &[EncoderFamily],
    ) -> Result<JobDelivery, QueueError> {
        let lanes = Lane::of(classes, devices);
        let (message, receipt) = self.0.next("job", lanes, from_json).await?;
        Ok(JobDelivery { message, receipt })
    }

    async fn report(&self, report: &JobReport) -> Result<(), QueueError> {
        self.0.add(&Lane::Reports, &to_json("report", report)?, report.trace).await
    }

    async fn finish(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.0.take_off(&receipt).await;
        Ok(())
    }

    async fn release(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.0.give_back(&receipt).await;
        Ok(())
    }

    async fn receive_report(&self) -> Result<ReportDelivery, QueueError> {
        let (report, receipt) = self.0.next("report", vec![Lane::Reports], from_json).await?;
        Ok(ReportDelivery { report, receipt })
    }

    async fn finish_report(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.0.take_off(&receipt).await;
        Ok(())
    }

    async fn release_report(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.0.give_back(&receipt).await;
        Ok(())
    }

    async fn purge_dead(&self) -> Result<u64, QueueError> {
        self.0.purge(self.0.names.dead()).await
    }

    async fn publish_progress(&self, progress: &JobProgress) -> Result<(), QueueError> {
        self.0.tell(self.0.names.progress(), &to_json("progress", progress)?).await
    }

    fn subscribe_progress(&self) -> broadcast::Receiver<JobProgress> {
        self.0.progress.subscribe()
    }

    async fn publish_control(&self, control: &Control) -> Result<(), QueueError> {
        self.0.tell(self.0.names.control(), &to_json("control", control)?).await
    }

    fn subscribe_control(&self) -> broadcast::Receiver<Control> {
        self.0.control.subscribe()
    }
}

fn to_json<T: Serialize>(what: &'static str, message: &T) -> Result<Vec<u8>, QueueError> {
    serde_json::to_vec(message).map_err(|source| QueueError::Payload { what, source })
}

fn from_json<T: DeserializeOwned>(payload: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(payload)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this lock")
}

fn broker(error: lapin::Error) -> QueueError {
    QueueError::Broker(error.to_string())
}
