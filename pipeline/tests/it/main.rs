//! The encoder child against real media: clips made here, encoded in chunks, joined as origin
//! joins them, and read back by GStreamer's own demuxer and decoder.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod analysis;
mod captions;
mod child;
mod chunks;
mod clip;
mod colour;
mod copied;
mod counters;
mod extras;
mod gpu;
mod gpu_descriptions;
mod hostile;
mod joined;
mod jumps;
mod live;
mod media;
mod pictures;
mod sandbox;
mod sync;
mod task;
mod trouble;
