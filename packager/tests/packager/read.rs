//! The reader, over files of ours, of a test's own making, of ffmpeg and of strangers.

pub(crate) mod mux;
mod peers;
mod tables;
