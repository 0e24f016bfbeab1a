//! The process's side of a task: messages to the worker, and the limits it runs under.

mod limits;
mod memory;
mod report;

pub use limits::{Limits, watch_source};
pub use memory::Memory;
pub use report::Reporter;
