//! The ladder: which renditions a title gets.

use std::num::NonZeroU32;

use kinora_media::{FrameRate, TrackId};
use serde::{Deserialize, Serialize};

/// The rungs of a title, best first; fixed before anything is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// Best first.
    pub rungs: Vec<Rung>,
}

/// What is asked of one rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Its track: `v1080`.
    pub track: TrackId,
    /// Pixels, even; pixels are square, the picture upright.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// Every how many-th frame of the source's grid it keeps: 1 or 2.
    pub rate_divisor: NonZeroU32,
    /// Its own grid.
    pub frame_rate: FrameRate,
    /// x264 constant rate factor.
    pub crf: u32,
    /// VBV maximum rate, kbit/s.
    pub max_kbps: u32,
    /// x264 preset word.
    pub preset: String,
    /// H.264 level, times ten: 40 for 4.0.
    pub level: u32,
}
