//! `[audio]`: how soundtracks are encoded.

use serde::{Deserialize, Serialize};

use super::{Profile, check::Faults};

/// The `[audio]` section of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The built-in default's.
    fn default() -> Self {
        Profile::default().audio
    }
}

impl AudioProfile {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.range("audio.stereo_bitrate", self.stereo_bitrate, 32_000..=320_000);
        faults.range("audio.surround_bitrate", self.surround_bitrate, 96_000..=640_000);
        faults.range("audio.loudness_lufs", self.loudness_lufs, -31..=-10);
        faults.range("audio.max_gain_db", self.max_gain_db, 0..=30);
        faults.range("audio.true_peak_dbtp", self.true_peak_dbtp, -9..=0);
        faults.range("audio.max_tracks", self.max_tracks, 1..=64);
    }
}
