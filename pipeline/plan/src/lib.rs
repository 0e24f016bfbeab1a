//! Pure planning: from what a probe found to a ladder, chunks and the specs that
//! `kinora-encoder` takes; and the payloads that travel on the queue.
//!
//! No IO, no async, no clock: the orchestrator plans with it, workers and the encoder child read
//! the specs, and tests need nothing.

mod chunking;
pub mod encoder;
pub mod job;
mod ladder;
mod plan;
mod probe;
pub mod source_protocol;

pub use chunking::Chunk;
pub use ladder::{Ladder, Rung};
pub use plan::{AudioPlan, Plan, PlanError, VideoPlan};
pub use probe::{AudioStream, Orientation, ProbeReport, SubtitleStream, VideoStream, Warning};
