//! Profiles: what people decide about encoding, in files they edit.
//!
//! A file is TOML. What it leaves out has the value of the built-in `default.toml`, which is the
//! one place where defaults stand and where every key is explained.

mod audio;
mod check;
mod error;
mod file;
mod quality;
mod set;
mod video;
mod x264;

use kinora_media::Encryption;
use serde::{Deserialize, Serialize};

pub use audio::AudioProfile;
pub use error::{ProfileError, ProfileFault};
pub use quality::{QualityMetric, QualityProfile};
pub use set::{NamedProfile, ProfileSet, UnknownProfile, is_profile_name};
pub use video::{Preset, Step, Tune, VideoProfile};
pub use x264::X264Options;

/// The profile in force unless another is asked for.
pub const DEFAULT_PROFILE: &str = "default";

/// How titles are encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// One line for those who choose.
    pub description: String,
    /// Whether a fitting source is handed on as the top rung instead of being encoded again.
    pub passthrough: bool,
    /// How segments are encrypted on their way to players.
    #[serde(default)]
    pub encryption: Encryption,
    /// The picture.
    pub video: VideoProfile,
    /// The sound.
    pub audio: AudioProfile,
    /// Whether content decides how many bits rungs get.
    pub quality: QualityProfile,
}

impl Profile {
    /// Reads a profile; `file` is what errors call it.
    ///
    /// # Errors
    /// Everything that is wrong with it, with line, column and key.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        file::parse(file, text)
    }
}

impl Default for Profile {
    /// The built-in default.
    fn default() -> Self {
        ProfileSet::built_in().default_profile().profile.clone()
    }
}

#[cfg(test)]
mod tests;
