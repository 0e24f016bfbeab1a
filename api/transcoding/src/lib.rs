//! The transcoding service: the only writer of job state.
//!
//! Every step reads, decides by the pure rules in `state`, and commits with conditional
//! updates; what must happen outside the database (dispatching a job, storing a head, removing
//! objects) is written down first and done afterwards, again if need be. So a step can be cut
//! off anywhere and taken again.

mod audit;
mod config;
mod error;
mod housekeeping;
mod http;
mod lost;
mod orchestrator;
mod progress;
mod publisher;
mod repository;
mod service;
mod state;
#[cfg(test)]
mod testing;
mod workload;

pub use config::TranscodingConfig;
pub use error::TranscodingError;
pub use http::{
    JobClassWord, JobCounts, JobError, JobProgressView, JobStateWord, JobView, Progress,
    ProgressReason, ProgressState, Quality, QueuePlace, Why, WhySubject,
};
pub use lost::{Lost, lost_media};
/// The group in which replicas hear of events.
pub use orchestrator::PRODUCER as GROUP;
pub use repository::backlog::fence_attempts;
pub use service::{OnHeadChange, Transcoding, TranscodingDeps};
pub use workload::ClassLoad;
