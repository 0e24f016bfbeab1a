//! Tracks of a presentation as the segment index describes them.

use serde::{Deserialize, Serialize};

use crate::{FrameRate, TrackId};

/// One track: a video rendition, an audio rendition or a text track.
///
/// Everything here freezes at first publish, because players have read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// Its folder in the store and its name in URLs.
    pub id: TrackId,
    /// Ticks a second of every time in this track.
    pub timescale: u32,
    /// RFC 6381 `codecs` value: `avc1.640028`, `mp4a.40.2`, `wvtt`.
    pub codec: String,
    /// The plan's cap on the peak rate of any segment, in bits a second.
    pub max_bandwidth: u64,
    /// Ticks by which decode times run ahead of presentation: the encoder's priming on audio
    /// (its edit list skips it), 0 on video and text.
    pub priming: u32,
    /// What differs by kind.
    pub kind: TrackKind,
}

/// What differs by kind of track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TrackKind {
    /// A rendition of the picture.
    Video(VideoTrack),
    /// A rendition of one soundtrack.
    Audio(AudioTrack),
    /// Subtitles or captions, as one WebVTT object.
    Text(TextTrack),
}

/// A rendition of the picture. Pixels are square.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoTrack {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// The grid of its frames.
    pub frame_rate: FrameRate,
}

/// A rendition of one soundtrack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioTrack {
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u16,
    /// BCP 47 language tag; `und` when the source does not say.
    pub language: String,
    /// What a player's menu shows.
    pub name: String,
    /// Whether it plays when the viewer has not chosen.
    pub default: bool,
    /// The stereo track of which this is the 5.1 version: the same soundtrack, so menus show one
    /// entry for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surround_of: Option<TrackId>,
    /// What it is beside the film's own sound.
    #[serde(default, skip_serializing_if = "AudioRole::is_main")]
    pub role: AudioRole,
}

/// What a soundtrack is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioRole {
    /// The film's own sound, in whatever language.
    #[default]
    Main,
    /// Somebody speaks about the film.
    Commentary,
    /// The picture is described to those who do not see it.
    Description,
}

impl AudioRole {
    fn is_main(&self) -> bool {
        *self == Self::Main
    }
}

/// Subtitles or captions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextTrack {
    /// BCP 47 language tag.
    pub language: String,
    /// What a player's menu shows.
    pub name: String,
}
