//! The ladder: which renditions a title gets.

mod geometry;
mod level;

use std::num::NonZeroU32;

use kinora_media::{FrameRate, TrackId};
use serde::{Deserialize, Serialize};

use crate::VideoStream;

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

/// A step of the ladder: what a 16:9 picture of that height gets at up to 31 frames a second.
struct Step {
    height: u64,
    max_kbps: u32,
    crf: u32,
    preset: &'static str,
}

/// Best first. The smaller the picture, the cheaper a slower preset and the more a lower CRF
/// helps, because players scale these rungs up.
const STEPS: [Step; 5] = [
    Step { height: 1080, max_kbps: 5000, crf: 23, preset: "veryfast" },
    Step { height: 720, max_kbps: 2800, crf: 23, preset: "veryfast" },
    Step { height: 480, max_kbps: 1400, crf: 23, preset: "faster" },
    Step { height: 360, max_kbps: 800, crf: 22, preset: "fast" },
    Step { height: 240, max_kbps: 400, crf: 22, preset: "fast" },
];

/// What is left of a cap as pictures shrink to nothing, kbit/s.
const LEAST_KBPS: u64 = 100;
/// From this height on, and at the top, 50 and 60 frames a second are kept.
const KEEP_RATE_HEIGHT: u64 = 720;
/// Up to this many frames a second nothing is halved.
const MOST_LOW_RATE: u64 = 31;

/// The rungs for a source: on top its own size and rate (at most the largest step), so that
/// nothing it shows is lost, then each standard step that is at least 15 % smaller. Never larger
/// than the upright, square-pixel source (except that a side below x264's least of 16 pixels is
/// raised to it); aspect kept, sides even.
///
/// A step is a 16:9 frame (turned for portrait) into which the picture fits: 1080 is at most
/// 1920×1080, so that a wide film keeps the width, rate and level players expect of that step.
pub fn ladder(stream: &VideoStream) -> Ladder {
    let upright = geometry::upright_size(stream);
    let top = geometry::step_height(upright).min(STEPS[0].height);
    let smaller = STEPS
        .iter()
        .map(|step| step.height)
        .filter(|&height| top * 100 > height * 115 && geometry::fits_encoder(upright, height));
    let smaller = smaller.map(|height| rung(stream, upright, height, height < KEEP_RATE_HEIGHT));
    Ladder { rungs: std::iter::once(rung(stream, upright, top, false)).chain(smaller).collect() }
}

fn rung(stream: &VideoStream, upright: (u64, u64), height: u64, halves: bool) -> Rung {
    let (width_px, height_px) = geometry::fit(upright, height);
    let high_rate = is_high_rate(stream.frame_rate);
    let halved = high_rate && halves;
    let rate_divisor = if halved { TWO } else { NonZeroU32::MIN };
    let frame_rate = stream.frame_rate.divided(rate_divisor);
    let cap = max_kbps(height);
    let max_kbps = if high_rate && !halved { cap * 3 / 2 } else { cap };
    let step = STEPS.iter().rfind(|step| step.height >= height).unwrap_or(&STEPS[0]);
    Rung {
        track: TrackId::new(format!("v{height}")).expect("letters and digits"),
        width: width_px,
        height: height_px,
        rate_divisor,
        frame_rate,
        crf: step.crf,
        max_kbps,
        preset: step.preset.to_owned(),
        level: level::level(width_px, height_px, frame_rate, max_kbps),
    }
}

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// Whether a source has 50 or 60 (or so) frames a second, that small rungs halve.
pub(crate) fn is_high_rate(rate: FrameRate) -> bool {
    u64::from(rate.num.get()) > MOST_LOW_RATE * u64::from(rate.den.get())
}

/// The cap for a height: the steps' caps, and straight lines between them.
fn max_kbps(height: u64) -> u32 {
    let above = STEPS.iter().rfind(|step| step.height >= height).unwrap_or(&STEPS[0]);
    let below = STEPS.iter().find(|step| step.height <= height);
    let (low_height, low) = below.map_or((0, LEAST_KBPS), |s| (s.height, s.max_kbps.into()));
    let (rise, run) = (u64::from(above.max_kbps) - low, above.height.saturating_sub(low_height));
    let over = height.min(above.height) - low_height;
    let kbps = low + (rise * over).checked_div(run).unwrap_or(0);
    u32::try_from(kbps).expect("no cap is above the first step's")
}

#[cfg(test)]
mod tests;
