//! Typed client of Kinora's public API: videos, captions, playback, progress, jobs, and uploads
//! that survive a lost connection or a killed process.
//!
//! Every call goes through a [`Client`]. Reads are retried on faults that pass by themselves;
//! writes only where the server cannot have acted on the first try. [`Error`] says which of the
//! three things a caller can do about it: present another key, ask for something else, or come
//! back later.
//!
//! Unknown states and classes decode to `Unknown` and unknown fields are ignored, so that a
//! client works with a server one version ahead.

mod captions;
mod client;
mod error;
mod jobs;
mod playback;
mod profiles;
mod progress;
mod retry;
mod sse;
mod sweep;
pub mod upload;
mod verify;
mod videos;
mod wire;

pub use captions::{CaptionFormat, CaptionTrack};
pub use client::Client;
pub use error::{Error, Problem, Result};
pub use jobs::{Job, JobClass, JobError, JobFilter, JobProgress, JobState, Purged, Why};
pub use playback::{Chapter, Playback, Playing};
pub use profiles::Profile;
pub use progress::{JobCounts, Progress, ProgressEvents, ProgressState, Quality, QueuePlace};
pub use retry::Retry;
pub use sweep::{Stray, StrayKind, Sweep, Swept};
pub use verify::{Finding, Severity, Verified};
pub use videos::{NewVideo, Priority, UploadPosition, Video, VideoFilter, VideoState, Visibility};
pub use wire::{Page, Reason};
