//! The plan of one title.

use kinora_media::TrackId;
use serde::{Deserialize, Serialize};

use crate::{AudioStream, Chunk, Ladder, VideoStream, Warning};

/// Everything the orchestrator needs to dispatch a title; stored with it, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The presentation's planned duration, microseconds.
    pub duration_us: u64,
    /// HLS target duration, seconds.
    pub target_duration_s: u32,
    /// The picture, unless audio only.
    pub video: Option<VideoPlan>,
    /// Soundtracks, the default first.
    pub audio: Vec<AudioPlan>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// How the picture is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoPlan {
    /// What is decoded.
    pub stream: VideoStream,
    /// Whether to decode from the start in one chunk.
    pub sequential: bool,
    /// Frames a GOP.
    pub gop_frames: u64,
    /// Frames of the source's grid.
    pub frames: u64,
    /// The rungs.
    pub ladder: Ladder,
    /// In timeline order.
    pub chunks: Vec<Chunk>,
}

/// How a soundtrack is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioPlan {
    /// Its track: `a-en`, `a-und`.
    pub track: TrackId,
    /// What is decoded.
    pub stream: AudioStream,
    /// BCP 47 tag, `und` if unknown.
    pub language: String,
    /// What a player's menu shows.
    pub name: String,
    /// Samples a second of the result.
    pub sample_rate: u32,
    /// Channels of the result.
    pub channels: u16,
    /// Bits a second of the result.
    pub bitrate: u32,
}

/// Why a source gets no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Neither picture nor sound.
    #[error("the file holds neither a picture nor sound that Kinora can decode")]
    NothingToEncode,
    /// A picture without frames or of no size.
    #[error("the picture is {width}×{height} pixels with {frames} frames: nothing to encode")]
    EmptyPicture {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Packets.
        frames: u64,
    },
}
