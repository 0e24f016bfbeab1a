//! The beeps, and when the picture flashes.

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSrc, AppSrcCallbacks};
use gstreamer_audio as gst_audio;
use kinora_media::{FrameRate, ticks};

const SAMPLE_RATE: u32 = 48_000;
const CHANNELS: u32 = 2;
/// Samples a pushed buffer holds.
const BLOCK: u64 = 4800;
/// FFmpeg's AAC encoder delivers sound this many samples late, and its GStreamer element does
/// not say so: it is fed that much early instead.
const ENCODER_DELAY: u64 = 1024;
const BEEP_SAMPLES: u64 = SAMPLE_RATE as u64 / 15;
const BEEP_HERTZ: f64 = 1000.0;
const LOUDNESS: f64 = 16_000.0;
/// How long the picture stays white.
const FLASH_NS: u64 = 66_000_000;

/// Whether frame `n` is white: those that begin within 66 ms after the first frame of a second,
/// but for second 0, whose beep would lie in what the encoder delays.
pub(super) fn is_flash(n: u64, rate: FrameRate) -> bool {
    let time_ns = rate.frame_nanos(n);
    let first = first_frame_of_second(time_ns / ticks::NANOS, rate);
    first > 0 && n >= first && time_ns - rate.frame_nanos(first) < FLASH_NS
}

/// Feeds `source` with the beeps of a clip of that length.
pub(super) fn feed(source: &gst::Element, rate: FrameRate, seconds: u32) -> anyhow::Result<()> {
    let source = source.downcast_ref::<AppSrc>().context("the sound comes from an appsrc")?;
    let info = gst_audio::AudioInfo::builder(gst_audio::AUDIO_FORMAT_S16, SAMPLE_RATE, CHANNELS);
    source.set_caps(Some(&info.build()?.to_caps()?));
    source.set_max_bytes(1 << 18);
    let end = u64::from(seconds) * u64::from(SAMPLE_RATE);
    let mut next = 0;
    let callbacks = AppSrcCallbacks::builder().need_data(move |source, _| {
        if next >= end {
            // Refused only when the pipeline is stopping.
            let _ = source.end_of_stream();
            return;
        }
        let _ = source.push_buffer(block(next, end, rate));
        next += BLOCK;
    });
    source.set_callbacks(callbacks.build());
    Ok(())
}

/// The samples from `start`, interleaved; from `end` on silence, or the clip would end in the
/// click of a beep it has no flash for.
fn block(start: u64, end: u64, rate: FrameRate) -> gst::Buffer {
    let samples = (start..start + BLOCK).flat_map(|i| {
        let i = i + ENCODER_DELAY;
        let value = if i < end { sample(i, rate) } else { 0 }.to_ne_bytes();
        [value, value].concat()
    });
    let mut buffer = gst::Buffer::from_mut_slice(samples.collect::<Vec<u8>>());
    let time =
        |sample: u64| gst::ClockTime::from_nseconds(sample * ticks::NANOS / u64::from(SAMPLE_RATE));
    let details = buffer.get_mut().expect("a new buffer has one owner");
    details.set_pts(time(start));
    details.set_duration(time(start + BLOCK) - time(start));
    buffer
}

fn sample(i: u64, rate: FrameRate) -> i16 {
    let second = i / u64::from(SAMPLE_RATE);
    if second == 0 {
        return 0;
    }
    // Where rates are fractional the frame comes a little after the second, and the beep with it.
    let begins_ns = rate.frame_nanos(first_frame_of_second(second, rate));
    let begins = begins_ns * u64::from(SAMPLE_RATE) / ticks::NANOS;
    match i.checked_sub(begins) {
        Some(since) if since < BEEP_SAMPLES => {
            let phase = since as f64 / f64::from(SAMPLE_RATE) * BEEP_HERTZ;
            ((phase * std::f64::consts::TAU).sin() * LOUDNESS) as i16
        }
        _ => 0,
    }
}

fn first_frame_of_second(second: u64, rate: FrameRate) -> u64 {
    let (num, den) = (u64::from(rate.num.get()), u64::from(rate.den.get()));
    (second * num).div_ceil(den)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beep_begins_with_the_first_white_frame() {
        for (num, den, expected) in [(30, 1, 60), (30_000, 1001, 60), (60, 1, 120), (15, 1, 30)] {
            let rate = FrameRate::new(num, den).unwrap();
            let flashes: Vec<_> = (0..expected).filter(|n| is_flash(*n, rate)).collect();
            assert_eq!(flashes[0], first_frame_of_second(1, rate));
            let begins = rate.frame_nanos(flashes[0]) * 48_000 / ticks::NANOS;
            assert_eq!(sample(begins - 1, rate), 0);
            assert_ne!(sample(begins + 10, rate), 0);
        }
    }
}
