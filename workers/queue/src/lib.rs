//! The job queue and the event bus: ports, and the adapters behind them.
//!
//! The broker is the dispatch lane, not the backlog: jobs that wait lie in the transcoding
//! service's tables. Job messages, reports and events are durable and acknowledged; progress and
//! control are lossy.

mod amqp;
mod asyncapi;
pub mod contract;
mod event;
mod lane;
mod port;
mod sqlite;

pub use amqp::{AmqpQueue, Trust};
pub use asyncapi::asyncapi;
pub use event::{Event, EventData, UploadedCaptions};
pub use port::{
    EventBus, EventDelivery, JobDelivery, JobQueue, QueueError, Receipt, ReportDelivery,
};
pub use sqlite::SqliteQueue;
