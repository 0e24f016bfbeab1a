//! How soundtracks are encoded.

use serde::{Deserialize, Serialize};

/// The `[audio]` section of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioProfile {
    /// Bits a second of a stereo soundtrack.
    pub stereo_bitrate: u32,
    /// Bits a second of a 5.1 soundtrack.
    pub surround_bitrate: u32,
    /// Whether a soundtrack of five channels or more is offered as 5.1 beside stereo.
    pub surround: bool,
    /// Whether soundtracks are brought to one loudness.
    pub normalise: bool,
    /// The loudness they are brought to (ITU-R BS.1770, EBU R 128), LUFS.
    pub loudness_lufs: i32,
    /// How much a quiet soundtrack is raised at most, dB.
    pub max_gain_db: u32,
    /// What no true peak exceeds after a change of level or a downmix (BS.1770 annex 2), dBTP.
    pub true_peak_dbtp: i32,
    /// Soundtracks of a source that are encoded at most, in the source's order.
    pub max_tracks: u32,
}

impl Default for AudioProfile {
    fn default() -> Self {
        Self {
            stereo_bitrate: 128_000,
            surround_bitrate: 384_000,
            surround: true,
            normalise: true,
            // What AES TD1008 recommends for streamed programmes that mix speech and music.
            loudness_lufs: -16,
            max_gain_db: 12,
            true_peak_dbtp: -1,
            max_tracks: 64,
        }
    }
}
