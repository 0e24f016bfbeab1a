//! The reader, over files of ours, of a test's own making, of ffmpeg and of strangers.

mod fuzz;
pub(crate) mod mux;
mod peers;
mod tables;
