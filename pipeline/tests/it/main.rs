//! The encoder child against real media: clips made here, encoded in chunks, joined as origin
//! joins them, and read back by GStreamer's own demuxer and decoder.

mod child;
mod chunks;
mod clip;
mod joined;
mod pictures;
mod task;
mod trouble;
