//! Pure planning: from what a probe found to a ladder, chunks and the specs that
//! `kinora-encoder` takes; and the payloads that travel on the queue.
//!
//! No IO, no async, no clock: the orchestrator plans with it, workers and the encoder child read
//! the specs, and tests need nothing.

mod audio;
pub mod captions;
mod chunking;
mod coded;
pub mod device;
pub mod doctor;
pub mod encoder;
mod hdr;
pub mod job;
mod ladder;
pub mod language;
pub mod loss;
mod passthrough;
mod plan;
mod probe;
pub mod profile;
pub mod quality;
pub mod sandbox;
pub mod source_protocol;
mod specs;
#[cfg(test)]
mod testing;
mod text;
mod tracks;

pub use audio::AudioPlan;
pub use chunking::{Chunk, chunks, gop_frames};
pub use coded::{Coded, CodedGops, Unfit};
pub use hdr::ASSUMED_PEAK_NITS;
pub use ladder::{Ladder, Rung, ladder};
pub use passthrough::Passthrough;
pub use plan::{Plan, PlanError, VideoPlan, plan};
pub use probe::{
    AudioStream, Orientation, ProbeReport, ProbedChapter, StreamLoudness, SubtitleStream,
    VideoStream, Warning,
};
pub use profile::{AudioProfile, Profile, ProfileSet};
pub use text::TextPlan;
pub use tracks::TrackTemplate;
