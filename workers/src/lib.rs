//! Job handlers: stateless, they know the queue and the store, never a database.
//!
//! A worker takes jobs off the queue, runs each in a child process (`kinora-encoder`) over a
//! scratch folder of its own, stores what the child made, reports it, and only then acknowledges
//! the job. It keeps nothing: whatever dies is done again by whoever gets the job next.

mod cancel;
mod child;
mod config;
mod failure;
mod gpu;
mod job;
mod progress;
mod room;
mod run;
mod sandbox;
mod scratch;
mod series;
mod source_cache;
mod upload;

pub use config::{GpuPolicy, WorkerConfig, encoder_path};
/// Whether children are sandboxed.
pub use kinora_plan::sandbox::SandboxMode;
pub use run::run;
