//! The ports.

use std::fmt;

use async_trait::async_trait;
use kinora_plan::{
    device::EncoderFamily,
    job::{Control, JobClass, JobMessage, JobProgress, JobReport},
};
use tokio::sync::broadcast;

use crate::Event;

/// The dispatch lane between the orchestrator and workers, at least once in both directions.
#[async_trait]
pub trait JobQueue: fmt::Debug + Send + Sync + 'static {
    /// Puts a job on the lane of its class, device and priority. Durable when this returns.
    async fn dispatch(&self, message: &JobMessage) -> Result<(), QueueError>;

    /// Waits for a job of one of `classes`, which is for no graphics processor or for one of the
    /// families `devices`; where there are several one that somebody waits for, and of those of a
    /// lane the oldest. Until it is finished or released nobody else gets it; a worker that
    /// disappears gives it back.
    async fn receive(
        &self,
        classes: &[JobClass],
        devices: &[EncoderFamily],
    ) -> Result<JobDelivery, QueueError>;

    /// Puts a report on the results lane. Durable when this returns.
    async fn report(&self, report: &JobReport) -> Result<(), QueueError>;

    /// Takes a job off its lane, after its last report was confirmed.
    async fn finish(&self, receipt: Receipt) -> Result<(), QueueError>;

    /// Hands a job back: somebody else gets it at once.
    async fn release(&self, receipt: Receipt) -> Result<(), QueueError>;

    /// Waits for a report. Orchestrators share the lane.
    async fn receive_report(&self) -> Result<ReportDelivery, QueueError>;

    /// Takes a report off its lane, after its effect was committed.
    async fn finish_report(&self, receipt: Receipt) -> Result<(), QueueError>;

    /// Hands a report back.
    async fn release_report(&self, receipt: Receipt) -> Result<(), QueueError>;

    /// Removes what was set aside because nobody could read or finish it; how many messages. For
    /// operators who have looked at them: nothing of Kinora needs them.
    async fn purge_dead(&self) -> Result<u64, QueueError>;

    /// A sign of life. May be lost.
    async fn publish_progress(&self, progress: &JobProgress) -> Result<(), QueueError>;

    /// Signs of life from now on. A slow reader loses the oldest.
    fn subscribe_progress(&self) -> broadcast::Receiver<JobProgress>;

    /// A word to all workers. May be lost.
    async fn publish_control(&self, control: &Control) -> Result<(), QueueError>;

    /// Words to workers from now on. A slow reader loses the oldest.
    fn subscribe_control(&self) -> broadcast::Receiver<Control>;
}

/// Events from services to services, at least once, in order per producer and video as long as
/// nothing is redelivered.
#[async_trait]
pub trait EventBus: fmt::Debug + Send + Sync + 'static {
    /// Hands an event to every group. Durable when this returns.
    async fn publish(&self, event: &Event) -> Result<(), QueueError>;

    /// Makes a group known: events published from now on wait for it.
    async fn declare_group(&self, group: &str) -> Result<(), QueueError>;

    /// Waits for the group's next event.
    async fn receive(&self, group: &str) -> Result<EventDelivery, QueueError>;

    /// Takes an event off the group's lane, after its effect was committed.
    async fn finish(&self, receipt: Receipt) -> Result<(), QueueError>;

    /// Hands an event back.
    async fn release(&self, receipt: Receipt) -> Result<(), QueueError>;
}

/// Names one delivery to the adapter that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(pub String);

/// A job, and how to say what became of it.
#[derive(Debug, Clone)]
pub struct JobDelivery {
    /// The job.
    pub message: JobMessage,
    /// For [`JobQueue::finish`] or [`JobQueue::release`].
    pub receipt: Receipt,
}

/// A report, and how to say that it was taken in.
#[derive(Debug, Clone)]
pub struct ReportDelivery {
    /// The report.
    pub report: JobReport,
    /// For [`JobQueue::finish_report`] or [`JobQueue::release_report`].
    pub receipt: Receipt,
}

/// An event, and how to say that it was taken in.
#[derive(Debug, Clone)]
pub struct EventDelivery {
    /// The event.
    pub event: Event,
    /// For [`EventBus::finish`] or [`EventBus::release`].
    pub receipt: Receipt,
}

/// Why the broker did not answer.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The embedded queue's database.
    #[error("queue database: {0}")]
    Database(#[from] sqlx::Error),
    /// The broker cannot be reached, or did not do what was asked; worth trying again.
    #[error("message broker: {0}")]
    Broker(String),
    /// The broker refuses, and will: not with these credentials, not there, not by this certificate.
    #[error("the message broker refuses: {0}")]
    Refused(String),
    /// A payload that this version cannot read.
    #[error("unreadable {what}: {source}")]
    Payload {
        /// Which kind.
        what: &'static str,
        /// How it shows.
        source: serde_json::Error,
    },
    /// Nobody declared this group of event consumers.
    #[error("no event group '{0}' was declared")]
    UnknownGroup(String),
    /// The embedded queue's file was written by a newer Kinora.
    #[error("the queue file has format {found}; this version reads up to {supported}")]
    Format {
        /// What the file says.
        found: i64,
        /// The newest this version knows.
        supported: i64,
    },
    /// The adapter is shutting down.
    #[error("the queue is closed")]
    Closed,
}
