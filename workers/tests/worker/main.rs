//! The worker over the embedded queue and store, with a scripted child.
#![allow(clippy::unwrap_used, reason = "a test helper may panic, too")]

mod failures;
mod gpu;
mod lifecycle;
mod mutants;
mod results;
mod rig;
mod series;
