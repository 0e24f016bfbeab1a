//! What a rendition is, as whoever makes it says.

use std::num::NonZeroU8;

use kinora_media::{Access, FrameRate};
use serde::Deserialize;

/// A rendition of a live stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Who may watch; the same for all renditions of a stream.
    pub access: Access,
    /// Ticks a second of its durations.
    pub timescale: u32,
    /// No segment is longer, rounded to seconds; 1 to 10.
    pub target_duration_s: u32,
    /// No part is longer, ticks.
    pub part_target: u64,
    /// Whether every segment begins with a key frame.
    pub independent: bool,
    /// Its codec (RFC 6381).
    pub codec: String,
    /// Peak bits a second.
    pub bandwidth: u64,
    /// What it shows or tells.
    pub media: Medium,
}

/// What a rendition shows or tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Medium {
    /// Pictures.
    Video {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Frames a second.
        frame_rate: FrameRate,
    },
    /// Sound.
    Audio {
        /// Its language (BCP 47).
        language: String,
        /// What people read in a menu.
        name: String,
        /// How many channels, where that is known.
        #[serde(default)]
        channels: Option<NonZeroU8>,
    },
}

impl Description {
    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let longest = u64::from(self.timescale) * u64::from(self.target_duration_s);
        let written = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && !text.contains(|c: char| c == '"' || c.is_control())
        };
        if self.timescale == 0 || !(1..=10).contains(&self.target_duration_s) {
            return Some("the timescale is 0, or the target duration not 1 to 10 seconds");
        }
        if self.part_target == 0 || self.part_target > longest {
            return Some("a part lasts no time, or longer than a segment");
        }
        if !written(&self.codec, 64) || self.codec.contains([',', ' ']) || self.bandwidth == 0 {
            return Some("the codec is not one codec, or the bandwidth 0");
        }
        match &self.media {
            Medium::Audio { language, name, .. }
                if !written(language, 35) || !written(name, 200) =>
            {
                Some("the language or the name is empty, long, or cannot stand in a playlist")
            }
            Medium::Audio { .. } | Medium::Video { .. } => None,
        }
    }
}
