//! `[video]` and the ladder's steps.

use serde::{Deserialize, Serialize};

use super::{check::Faults, x264::X264Options};
use crate::ladder::level;

/// How pictures are encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoProfile {
    /// What encodes: `auto`, `cpu`, `gpu` or a device's name.
    pub device: String,
    /// Seconds from key frame to key frame.
    pub gop_seconds: u32,
    /// Seconds of a segment behind the front of a title.
    pub segment_seconds: u32,
    /// From this height on 50 and 60 frames a second are kept.
    pub keep_rate_height: u32,
    /// What caps are raised to where such a rate is kept, percent.
    pub high_rate_percent: u32,
    /// The ladder, best first; never empty.
    pub steps: Vec<Step>,
}

/// What a 16:9 picture of a height gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Lines of a 16:9 picture.
    pub height: u32,
    /// VBV maximum rate at up to 31 frames a second, kbit/s.
    pub max_kbps: u32,
    /// x264 constant rate factor.
    pub crf: u32,
    /// x264 preset.
    pub preset: Preset,
    /// x264 tuning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tune: Option<Tune>,
    /// Single options over the preset's.
    #[serde(default, skip_serializing_if = "X264Options::is_empty")]
    pub x264: X264Options,
}

/// x264's presets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "x264's own words")]
pub enum Preset {
    Ultrafast,
    Superfast,
    Veryfast,
    Faster,
    Fast,
    Medium,
    Slow,
    Slower,
    Veryslow,
}

impl Preset {
    /// x264's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ultrafast => "ultrafast",
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Fast => "fast",
            Self::Medium => "medium",
            Self::Slow => "slow",
            Self::Slower => "slower",
            Self::Veryslow => "veryslow",
        }
    }
}

/// x264's tunings, but for `zerolatency`: files have no latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "x264's own words")]
pub enum Tune {
    Film,
    Animation,
    Grain,
    Stillimage,
    Psnr,
    Ssim,
    Fastdecode,
}

/// Steps of a ladder: more would be hardly different from each other.
const MOST_STEPS: usize = 12;
/// Letters of a device's name.
const MOST_DEVICE: usize = 64;

impl VideoProfile {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.range("video.gop_seconds", self.gop_seconds, 1..=4);
        faults.range("video.segment_seconds", self.segment_seconds, 1..=8);
        let gop_fits = (1..=4).contains(&self.gop_seconds);
        if gop_fits && !self.segment_seconds.is_multiple_of(self.gop_seconds) {
            faults.add(
                "video.segment_seconds",
                format!(
                    "{} is not a multiple of gop_seconds ({}): segments are whole groups of pictures",
                    self.segment_seconds, self.gop_seconds
                ),
            );
        }
        faults.range("video.keep_rate_height", self.keep_rate_height, 0..=4320);
        faults.range("video.high_rate_percent", self.high_rate_percent, 100..=200);
        self.check_device(faults);
        self.check_steps(faults);
    }

    fn check_device(&self, faults: &mut Faults) {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
        if self.device.is_empty()
            || self.device.len() > MOST_DEVICE
            || !self.device.chars().all(known)
        {
            faults.add(
                "video.device",
                "expected \"auto\", \"cpu\", \"gpu\" or a device's name of at most 64 letters, digits \
                 and -_.:/"
                    .into(),
            );
        }
    }

    fn check_steps(&self, faults: &mut Faults) {
        if self.steps.is_empty() || self.steps.len() > MOST_STEPS {
            faults.add("video.steps", format!("expected 1 to {MOST_STEPS} steps"));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let key = |name| format!("video.steps.{index}.{name}");
            faults.range(&key("height"), step.height, 16..=4320);
            faults.range(&key("crf"), step.crf, 0..=50);
            step.x264.check(&key("x264"), faults);
            let most = level::most_kbps_of_step(step.height);
            if step.max_kbps == 0 || step.max_kbps > most {
                faults.add(
                    &key("max_kbps"),
                    format!(
                        "{} kbit/s: H.264 allows 1 to {most} for a picture of {} lines (table A-1)",
                        step.max_kbps, step.height
                    ),
                );
            }
            let Some(before) = index.checked_sub(1).map(|before| &self.steps[before]) else {
                continue;
            };
            if step.height >= before.height {
                faults.add(&key("height"), below(step.height, before.height));
            }
            if step.max_kbps >= before.max_kbps {
                faults.add(&key("max_kbps"), below(step.max_kbps, before.max_kbps));
            }
        }
    }
}

fn below(this: u32, before: u32) -> String {
    format!("{this} is not below the {before} of the step before it: put the best step first")
}
