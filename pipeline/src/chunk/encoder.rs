//! The settings of an encoder whose chunks can be put end to end.

use gst::prelude::*;
use gstreamer as gst;
use kinora_plan::{Rung, encoder::ChunkSpec};

use super::{graph::make, tuning};
use crate::PipelineError;

/// The VBV buffer, milliseconds at the rung's cap.
///
/// A player has one second of buffer. A stretch with one cut in it may take a buffer and what the
/// next chunk begins with: 990 ms more than the line brings. Every cut further on adds another
/// beginning, and a whole chunk to the stretch, which pays for it by [`share`]. So no number of
/// chunks starves the player, however long they are and whatever they show.
///
/// A key frame is all a chunk begins with, so its buffer is nearly full then, at the price of a
/// little less for those further on (measured in benches/README.md).
const VBV_MS: u64 = 550;
/// How full a chunk finds its buffer, percent.
const BEGIN_PERCENT: u64 = 80;
/// Nobody has drawn on the buffer before the first chunk.
const FIRST_BEGIN_PERCENT: u64 = 95;
/// What a chunk finds in its buffer and the chunk before had already counted on, milliseconds at
/// the rung's cap.
const OWED_MS: u64 = VBV_MS * BEGIN_PERCENT / 100;
/// The least a chunk may use of the cap, thousandths; reached by chunks of 880 ms between others,
/// which no plan makes.
const LEAST_SHARE: u64 = 500;
/// Rungs and chunks run side by side, so cores are busy without it; more than one thread costs a
/// sixth more CPU, memory for the frames in flight, and makes the result depend on the host.
const THREADS: u32 = 1;

/// How much an encoder may make a player buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vbv {
    /// What fills the model's buffer, kbit/s: the share of the rung's cap that the chunk may use.
    pub kbps: u32,
    /// The buffer's size, kbit.
    pub kbit: u32,
    /// How full it is when the chunk begins, percent.
    pub begin_percent: u64,
}

impl Vbv {
    /// The model of a rung's encoder in a chunk.
    pub(crate) fn of(rung: &Rung, spec: &ChunkSpec) -> Self {
        let scaled = |numerator: u64, denominator: u64| {
            let scaled = u64::from(rung.max_kbps).saturating_mul(numerator) / denominator;
            u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
        };
        let chunk_ms = spec.video.frame_rate.frame_nanos(spec.chunk.frames) / 1_000_000;
        let kbps = match spec.chunk.index == 0 || spec.last {
            // No stretch begins before the first chunk or ends after the last.
            true => rung.max_kbps.max(1),
            false => scaled(share(chunk_ms), 1000),
        };
        let first = spec.chunk.index == 0;
        let begin_percent = if first { FIRST_BEGIN_PERCENT } else { BEGIN_PERCENT };
        Self { kbps, kbit: scaled(VBV_MS, 1000), begin_percent }
    }

    /// The buffer's size in milliseconds at the rate that fills it.
    pub(crate) fn milliseconds(self) -> u32 {
        let milliseconds = u64::from(self.kbit) * 1000 / u64::from(self.kbps);
        u32::try_from(milliseconds).unwrap_or(u32::MAX)
    }

    /// How full it is at first, as x264 is told.
    pub(crate) fn begin(self) -> String {
        format!("0.{:02}", self.begin_percent.min(99))
    }
}

/// What a chunk of that length may use of the cap while it fills the player's buffer with the
/// rest, thousandths.
fn share(chunk_ms: u64) -> u64 {
    let paid = (OWED_MS * 1000).div_ceil(chunk_ms.max(1));
    1000_u64.saturating_sub(paid).max(LEAST_SHARE)
}

/// An x264 encoder of a rung and the caps its output must have. `gop` counts the rung's frames, as
/// does `shortest_gop` where key frames are asked for one by one.
pub(super) fn h264(
    rung: &Rung,
    vbv: Vbv,
    gop: u64,
    shortest_gop: Option<u64>,
) -> Result<(gst::Element, gst::Caps), PipelineError> {
    let encoder = make("x264enc")?;
    let gop = u32::try_from(gop).map_err(|_| PipelineError::Spec("a GOP without end".into()))?;
    encoder.set_property_from_str("pass", "qual");
    encoder.set_property("quantizer", rung.crf.min(50));
    encoder.set_property("bitrate", vbv.kbps);
    encoder.set_property("vbv-buf-capacity", vbv.milliseconds());
    encoder.set_property("key-int-max", gop);
    encoder.set_property("threads", THREADS);
    // Delimiters are for byte streams; in a file each sample is delimited by its size.
    encoder.set_property("aud", false);
    set_preset(&encoder, &rung.preset)?;
    tuning::set_tune(&encoder, rung.tune);
    encoder.set_property("option-string", options(rung, vbv, gop, shortest_gop));
    let caps = gst::Caps::builder("video/x-h264")
        .field("stream-format", "avc")
        .field("alignment", "au")
        .field("profile", "high")
        .build();
    Ok((encoder, caps))
}

/// `stitchable` keeps what depends on content out of the parameter sets; `force-cfr` takes
/// durations from the grid; without scene cuts key frames fall where the segments begin.
fn options(rung: &Rung, vbv: Vbv, gop: u32, shortest_gop: Option<u64>) -> String {
    let lookahead = shortest_gop.map(|gop| tuning::lookahead_within(rung, gop));
    format!(
        "keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:stitchable=1:vbv-init={}:\
         force-cfr=1:level={}{}{}",
        vbv.begin(),
        rung.level,
        tuning::options(rung),
        lookahead.unwrap_or_default()
    )
}

fn set_preset(encoder: &gst::Element, preset: &str) -> Result<(), PipelineError> {
    let known = encoder.find_property("speed-preset").is_some_and(|property| {
        gst::glib::EnumClass::with_type(property.value_type())
            .is_some_and(|presets| presets.value_by_nick(preset).is_some())
    });
    if !known || preset == "None" {
        return Err(PipelineError::Spec(format!("x264 has no preset '{preset}'")));
    }
    encoder.set_property_from_str("speed-preset", preset);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most that chunks of these lengths can take from a player's second of buffer, in
    /// milliseconds at the cap: over every stretch from somewhere in one chunk to somewhere in
    /// another.
    fn worst_debt_ms(lengths_ms: &[u64]) -> u64 {
        let mut worst = 0;
        for first in 0..lengths_ms.len() {
            let mut debt = VBV_MS;
            for inner in &lengths_ms[first + 1..] {
                debt += OWED_MS;
                worst = worst.max(debt);
                debt = debt.saturating_sub(inner * (1000 - share(*inner)) / 1000);
            }
        }
        worst
    }

    #[test]
    fn no_number_of_chunks_takes_more_than_a_player_has() {
        let planned = [2000, 4000, 8000, 16_000, 16_000, 24_000, 16_000, 3000];
        assert_eq!(worst_debt_ms(&planned), 990);
        assert!(worst_debt_ms(&[2000; 1000]) <= 990);
        let odd: Vec<u64> = (1..500).map(|n| 1500 + n * 7919 % 20_000).collect();
        assert!(worst_debt_ms(&odd) <= 990);
    }

    #[test]
    fn the_share_grows_with_the_length() {
        assert_eq!([2000, 4000, 8000, 16_000].map(share), [780, 890, 945, 972]);
        assert_eq!([0, 1, 880].map(share), [LEAST_SHARE; 3]);
    }
}
