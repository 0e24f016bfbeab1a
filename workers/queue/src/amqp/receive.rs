//! Receiving: a channel with a consumer for every lane, until one of them has a message.

use std::{sync::Arc, time::Duration};

use lapin::{
    Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicQosOptions},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Inner, Link, broker,
    consuming::{Consuming, back},
    link::is_missing,
    lock,
    topology::Lane,
};
use crate::{QueueError, Receipt};

/// How long a consumer waits for the next receiver after its own went away.
const LINGER: Duration = Duration::from_secs(1);
/// How long the broker may take to let us consume.
const BEGIN: Duration = Duration::from_secs(10);
/// Between tries to get through to the broker.
const AGAIN: Duration = Duration::from_millis(500);

/// A message, and the channel it came by: it goes back when this is dropped.
pub(super) struct Taken {
    delivery: Delivery,
    channel: Leaving,
}

/// A channel that is closed when dropped.
struct Leaving(Channel);

/// A consumer on its way to a message. It ends when this is dropped.
pub(super) struct Waiting {
    id: Uuid,
    lanes: Vec<Lane>,
    task: JoinHandle<Result<Taken, QueueError>>,
    over: CancellationToken,
}

/// A receiver's hold on a consumer, which outlives it for a moment: the message may be on its way,
/// and the next receiver is rarely far.
struct Receiver<'a> {
    inner: &'a Arc<Inner>,
    waiting: Option<Waiting>,
}

impl Inner {
    /// Waits for a message on one of `lanes`.
    pub(super) async fn next<T>(
        self: &Arc<Self>,
        what: &'static str,
        lanes: Vec<Lane>,
        read: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<(T, Receipt), QueueError> {
        loop {
            self.is_open()?;
            let mut receiver = Receiver::of(self, &lanes).await;
            let taken = tokio::select! {
                taken = receiver.taken() => taken?,
                () = self.closed.cancelled() => return Err(QueueError::Closed),
            };
            match read(&taken.delivery.data) {
                Ok(message) => {
                    let receipt = Uuid::new_v4();
                    lock(&self.held).insert(receipt, taken);
                    return Ok((message, Receipt(receipt.to_string())));
                }
                Err(source) => {
                    let error = QueueError::Payload { what, source };
                    tracing::error!(error = %error, "set a message aside: see the queue of dead letters");
                    self.bury(&taken.delivery.data, &error.to_string()).await?;
                    taken.finish().await;
                }
            }
        }
    }

    /// Takes a message off its lane. If its channel is gone somebody else has it: nothing to do.
    pub(super) async fn take_off(&self, receipt: &Receipt) {
        if let Some(taken) = self.held(receipt) {
            taken.finish().await;
        }
    }

    /// Gives a message back.
    pub(super) async fn give_back(&self, receipt: &Receipt) {
        if let Some(taken) = self.held(receipt) {
            taken.give_back().await;
        }
    }

    fn held(&self, receipt: &Receipt) -> Option<Taken> {
        let receipt = Uuid::try_parse(&receipt.0).ok()?;
        lock(&self.held).remove(&receipt)
    }

    /// Waits for a message, through lost connections.
    async fn take(&self, lanes: &[Lane], over: &CancellationToken) -> Result<Taken, QueueError> {
        loop {
            match self.try_take(lanes, over).await {
                Err(QueueError::Broker(error)) if !over.is_cancelled() => {
                    tracing::debug!(%error, "cannot receive: trying again");
                    tokio::time::sleep(AGAIN).await;
                }
                other => return other,
            }
        }
    }

    async fn try_take(
        &self,
        lanes: &[Lane],
        over: &CancellationToken,
    ) -> Result<Taken, QueueError> {
        self.demand(lanes).await?;
        let link = self.link().await?;
        let begun = tokio::time::timeout(BEGIN, self.begin(&link, lanes)).await;
        let (channel, mut consuming) = match begun {
            Ok(Ok(begun)) => begun,
            Ok(Err(unknown @ QueueError::UnknownGroup(_))) => return Err(unknown),
            Ok(Err(error)) => {
                self.distrust(&link).await;
                return Err(error);
            }
            Err(_) => {
                self.distrust(&link).await;
                return Err(QueueError::Broker("it lets nobody consume".to_owned()));
            }
        };
        match consuming.first(&channel.0, over).await? {
            Some(delivery) => Ok(Taken { delivery, channel }),
            None => {
                channel.close().await;
                Err(QueueError::Closed)
            }
        }
    }

    /// A channel with a consumer for every lane, or for the urgent ones if they have something.
    async fn begin(&self, link: &Link, lanes: &[Lane]) -> Result<(Leaving, Consuming), QueueError> {
        let channel = Leaving(link.connection.create_channel().await.map_err(broker)?);
        channel.0.basic_qos(1, BasicQosOptions::default()).await.map_err(broker)?;
        let mut consuming = Consuming::default();
        let (patient, urgent): (Vec<_>, Vec<_>) = lanes.iter().partition(|lane| lane.is_patient());
        for lane in urgent {
            self.consume(&channel.0, &mut consuming, lane).await?;
        }
        if patient.is_empty() || consuming.has_one_soon().await? {
            return Ok((channel, consuming));
        }
        for lane in patient {
            self.consume(&channel.0, &mut consuming, lane).await?;
        }
        Ok((channel, consuming))
    }

    async fn consume(
        &self,
        channel: &Channel,
        consuming: &mut Consuming,
        lane: &Lane,
    ) -> Result<(), QueueError> {
        let begun = consuming.begin(channel, self.names.queue(lane), lane.is_patient()).await;
        begun.map_err(|error| match lane {
            Lane::Events(group) if is_missing(&error) => QueueError::UnknownGroup(group.clone()),
            _ => broker(error),
        })
    }
}

impl Taken {
    async fn finish(self) {
        if let Err(error) = self.delivery.acker.ack(BasicAckOptions::default()).await {
            tracing::debug!(%error, "a message goes back that was finished");
        }
        self.channel.close().await;
    }

    /// Said before the channel goes: whoever asks next then finds the message in its old place.
    async fn give_back(self) {
        // An error means that the channel is gone, and so gave it back.
        let _ = back(&self.delivery).await;
        self.channel.close().await;
    }
}

impl Leaving {
    /// Closes it now. The broker has then seen all that was said on it.
    async fn close(self) {
        let _ = self.0.close(200, "done".into()).await;
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let channel = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && channel.status().connected()
        {
            runtime.spawn(async move { channel.close(200, "done".into()).await });
        }
    }
}

impl Waiting {
    fn start(inner: &Arc<Inner>, lanes: &[Lane]) -> Self {
        let over = CancellationToken::new();
        let (inner, wanted, ends) = (Arc::clone(inner), lanes.to_vec(), over.clone());
        let task = tokio::spawn(async move { inner.take(&wanted, &ends).await });
        Self { id: Uuid::new_v4(), lanes: lanes.to_vec(), task, over }
    }

    /// Ends it now, giving back what it has.
    async fn end(mut self) {
        self.over.cancel();
        if let Ok(Ok(Ok(taken))) = tokio::time::timeout(LINGER, &mut self.task).await {
            taken.give_back().await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl<'a> Receiver<'a> {
    async fn of(inner: &'a Arc<Inner>, lanes: &[Lane]) -> Self {
        let (same, others) = Self::idle(inner, lanes);
        for other in others {
            other.end().await;
        }
        let waiting = same.unwrap_or_else(|| Waiting::start(inner, lanes));
        Self { inner, waiting: Some(waiting) }
    }

    /// An idle consumer of just these lanes, and those that may sit on a message of one of them.
    fn idle(inner: &Inner, lanes: &[Lane]) -> (Option<Waiting>, Vec<Waiting>) {
        let mut idle = lock(&inner.waiting);
        let same = idle.iter().position(|waiting| waiting.lanes == lanes);
        let same = same.map(|index| idle.remove(index));
        let shares = |waiting: &mut Waiting| {
            waiting.lanes != lanes && waiting.lanes.iter().any(|lane| lanes.contains(lane))
        };
        (same, idle.extract_if(.., shares).collect())
    }

    async fn taken(&mut self) -> Result<Taken, QueueError> {
        let waiting = self.waiting.as_mut().ok_or(QueueError::Closed)?;
        let taken = (&mut waiting.task).await;
        self.waiting = None;
        match taken {
            Ok(taken) => taken,
            Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
            Err(_) => Err(QueueError::Closed),
        }
    }
}

impl Drop for Receiver<'_> {
    fn drop(&mut self) {
        let Some(waiting) = self.waiting.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.inner.closed.is_cancelled() {
            return;
        }
        let (inner, id) = (Arc::clone(self.inner), waiting.id);
        lock(&inner.waiting).push(waiting);
        runtime.spawn(async move {
            tokio::time::sleep(LINGER).await;
            lock(&inner.waiting).retain(|waiting| waiting.id != id);
        });
    }
}
