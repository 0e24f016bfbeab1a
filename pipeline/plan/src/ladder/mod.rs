//! The ladder: which renditions a title gets.

mod geometry;
pub(crate) mod level;

use std::num::NonZeroU32;

use kinora_media::{FrameRate, TrackId};
use serde::{Deserialize, Serialize};

use crate::{
    VideoStream,
    profile::{Step, Tune, VideoProfile, X264Options},
};

/// The rungs of a title, best first; fixed before anything is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// Best first.
    pub rungs: Vec<Rung>,
}

/// What is asked of one rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// x264 tuning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tune: Option<Tune>,
    /// Single options of x264 over the preset's.
    #[serde(default, skip_serializing_if = "X264Options::is_empty")]
    pub x264: X264Options,
    /// Whether it is the source's coded pictures as they are; what else is asked is then void.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copy: bool,
}

/// What is left of a cap as pictures shrink to nothing, kbit/s.
const LEAST_KBPS: u64 = 100;
/// Up to this many frames a second nothing is halved.
const MOST_LOW_RATE: u64 = 31;

/// The rungs for a source: on top its own size and rate (at most the first step's), so that
/// nothing it shows is lost, then each step that is at least 15 % smaller. Never larger
/// than the upright, square-pixel source (except that a side below x264's least of 16 pixels is
/// raised to it); aspect kept, sides even.
///
/// A step is a 16:9 frame (turned for portrait) into which the picture fits: 1080 is at most
/// 1920×1080, so that a wide film keeps the width, rate and level players expect of that step.
pub fn ladder(stream: &VideoStream, profile: &VideoProfile) -> Ladder {
    of_rates(stream, profile, true)
}

/// The ladder of a title whose top rung is the source as it is, of H.264 level `level`; `halves`
/// says whether small rungs may halve high rates.
pub(crate) fn with_copy(
    stream: &VideoStream,
    profile: &VideoProfile,
    level: u32,
    halves: bool,
) -> Ladder {
    let mut ladder = of_rates(stream, profile, halves);
    if let Some(top) = ladder.rungs.first_mut() {
        (top.copy, top.level) = (true, level);
    }
    ladder
}

fn of_rates(stream: &VideoStream, profile: &VideoProfile, may_halve: bool) -> Ladder {
    let upright = geometry::upright_size(stream);
    let highest = profile.steps.first().map_or(u64::MAX, |step| step.height.into());
    let top = geometry::step_height(upright).min(highest);
    let smaller = profile
        .steps
        .iter()
        .map(|step| u64::from(step.height))
        .filter(|&height| top * 100 > height * 115 && geometry::fits_encoder(upright, height));
    let halves = |height| may_halve && height < u64::from(profile.keep_rate_height);
    let smaller = smaller.map(|height| rung(stream, profile, upright, height, halves(height)));
    let top = rung(stream, profile, upright, top, false);
    Ladder { rungs: std::iter::once(top).chain(smaller).collect() }
}

fn rung(
    stream: &VideoStream,
    profile: &VideoProfile,
    upright: (u64, u64),
    height: u64,
    halves: bool,
) -> Rung {
    let (width_px, height_px) = geometry::fit(upright, height);
    let high_rate = is_high_rate(stream.frame_rate);
    let halved = high_rate && halves;
    let rate_divisor = if halved { TWO } else { NonZeroU32::MIN };
    let frame_rate = stream.frame_rate.divided(rate_divisor);
    let percent = if high_rate && !halved { profile.high_rate_percent } else { 100 };
    let wanted = max_kbps(&profile.steps, height) * u64::from(percent) / 100;
    let most = level::most_kbps(width_px, height_px, frame_rate);
    let max_kbps = u32::try_from(wanted).unwrap_or(u32::MAX).min(most);
    let step = profile
        .steps
        .iter()
        .rfind(|step| u64::from(step.height) >= height)
        .or(profile.steps.first())
        .expect("a profile has steps");
    Rung {
        track: TrackId::new(format!("v{height}")).expect("letters and digits"),
        width: width_px,
        height: height_px,
        rate_divisor,
        frame_rate,
        crf: step.crf,
        max_kbps,
        preset: step.preset.as_str().to_owned(),
        level: level::level(width_px, height_px, frame_rate, max_kbps),
        tune: step.tune,
        x264: step.x264.clone(),
        copy: false,
    }
}

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// Whether a source has 50 or 60 (or so) frames a second, that small rungs halve.
pub(crate) fn is_high_rate(rate: FrameRate) -> bool {
    u64::from(rate.num.get()) > MOST_LOW_RATE * u64::from(rate.den.get())
}

/// The cap for a height: the steps' caps, and straight lines between them.
fn max_kbps(steps: &[Step], height: u64) -> u64 {
    let point = |step: &Step| (u64::from(step.height), u64::from(step.max_kbps));
    let above = steps.iter().map(point).rfind(|&(step, _)| step >= height);
    let below = steps.iter().map(point).find(|&(step, _)| step <= height);
    let (low_height, low) = below.unwrap_or((0, LEAST_KBPS));
    let Some((high_height, high)) = above else { return low };
    let (rise, run) = (high.saturating_sub(low), high_height.saturating_sub(low_height));
    low + (rise * (height - low_height)).checked_div(run).unwrap_or(0)
}

#[cfg(test)]
mod tests;
