//! Cutting the timeline into chunks.

use serde::{Deserialize, Serialize};

/// A unit of encoding work: whole GOPs on the frame grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk {
    /// Counts from 0 in timeline order.
    pub index: u32,
    /// Its first frame on the source's grid; a multiple of the GOP length.
    pub first_frame: u64,
    /// Frames in it.
    pub frames: u64,
    /// Frames a segment: whole GOPs.
    pub segment_frames: u64,
}
