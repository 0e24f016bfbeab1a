//! Resampling of single planes of 8-bit samples by zimg, the library that professionals scale with.
//!
//! It takes a third of the time of GStreamer's own scaler, and its filters are as wide as the
//! picture shrinks, so a small picture needs no larger one to come from. It is C++ behind a C
//! interface and has no kept binding: `zimg` declares the part that is used here, and [`PlaneScaler`]
//! is the safe way to it. Nothing else in the house calls foreign functions itself.

mod aligned;
mod plane;
mod zimg;

pub use plane::{PlaneScaler, ScaleError, Size};
