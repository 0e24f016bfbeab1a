//! A limiter of true peaks that looks ahead.
//!
//! It works in blocks of a millisecond. The gain a block needs is known some blocks before it
//! leaves, so the gain falls to it in a straight line and is there when the peak comes; it rises
//! again slowly. Between the ends of a block it is interpolated.

use std::collections::VecDeque;

use super::peak::{REACH, TruePeak};

/// Sample frames a block: a millisecond and a bit.
const BLOCK: usize = 64;
/// Blocks it looks ahead: 5 ms, which the peak itself covers for the ear.
const AHEAD: usize = 4;
/// How long the gain takes to rise by two thirds, seconds.
const RELEASE_S: f32 = 0.1;
/// What is left to the ceiling, 0.15 dB: interpolation is not ideal, and meters differ.
const MARGIN: f32 = 0.983;

/// Limits interleaved samples. As many come out as went in, some later.
#[derive(Debug)]
pub(super) struct Limiter {
    channels: usize,
    ceiling: f32,
    /// The part of what is missing to 1 that the gain rises by in a block.
    release: f32,
    peaks: TruePeak,
    /// Samples that do not make a block yet.
    filling: Vec<f32>,
    /// The last samples of the block before the newest.
    history: Vec<f32>,
    /// The newest block, whose peak is known once the next has come.
    newest: Option<Vec<f32>>,
    measured: VecDeque<Block>,
    /// The gain at the end of what has left; none before the beginning.
    gain: Option<f32>,
    taken: usize,
    given: usize,
    highest: Highest,
}

#[derive(Debug)]
struct Block {
    samples: Vec<f32>,
    peak: f32,
    /// What it needs at most.
    gain: f32,
}

/// The highest true peaks, as parts of full scale.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Highest {
    pub(super) before: f32,
    pub(super) after: f32,
}

impl Limiter {
    /// A limiter to `ceiling_dbtp` for sound of `rate` sample frames a second.
    pub(super) fn new(rate: u32, channels: u16, ceiling_dbtp: i32) -> Self {
        let channels = usize::from(channels.max(1));
        Self {
            channels,
            ceiling: 10_f32.powf(ceiling_dbtp as f32 / 20.0) * MARGIN,
            release: 1.0 - (-(BLOCK as f32) / (rate.max(1) as f32 * RELEASE_S)).exp(),
            peaks: TruePeak::new(channels),
            filling: Vec::new(),
            history: vec![0.0; REACH * channels],
            newest: None,
            measured: VecDeque::new(),
            gain: None,
            taken: 0,
            given: 0,
            highest: Highest::default(),
        }
    }

    /// Takes samples; gives those that are ready.
    pub(super) fn process(&mut self, samples: &[f32]) -> Vec<f32> {
        self.taken += samples.len();
        self.filling.extend_from_slice(samples);
        let block = BLOCK * self.channels;
        let mut out = Vec::with_capacity(self.filling.len() + block);
        let mut blocks = std::mem::take(&mut self.filling);
        let rest = blocks.split_off(blocks.len() - blocks.len() % block);
        for samples in blocks.chunks_exact(block) {
            self.measure(samples);
            while self.measured.len() > AHEAD {
                self.give(&mut out);
            }
        }
        self.filling = rest;
        self.given += out.len();
        out
    }

    /// Gives the samples that are left.
    pub(super) fn finish(&mut self) -> Vec<f32> {
        let left = self.taken - self.given;
        let silence = vec![0.0; (AHEAD + 3) * BLOCK * self.channels];
        let mut out = self.process(&silence);
        out.truncate(left);
        out
    }

    /// The highest peaks so far, of what has left.
    pub(super) fn highest(&self) -> Highest {
        self.highest
    }

    /// Takes the next block in, and finds what the one before it needs.
    fn measure(&mut self, samples: &[f32]) {
        if let Some(block) = self.newest.replace(samples.to_vec()) {
            let after = &samples[..REACH * self.channels];
            let peak = self.peaks.of(&self.history, &block, after, self.ceiling);
            self.history = block[block.len() - REACH * self.channels..].to_vec();
            let gain = if peak > self.ceiling { self.ceiling / peak } else { 1.0 };
            self.measured.push_back(Block { samples: block, peak, gain });
        }
    }

    /// Lets the oldest block go.
    fn give(&mut self, out: &mut Vec<f32>) {
        let block = self.measured.pop_front().expect("more are measured than are looked ahead");
        let start = self.gain.unwrap_or(block.gain);
        let end = self.gain_after(&block, start);
        let span = end - start;
        for (n, frame) in block.samples.chunks_exact(self.channels).enumerate() {
            let gain = start + span * (n + 1) as f32 / BLOCK as f32;
            out.extend(frame.iter().map(|sample| sample * gain));
        }
        self.highest.before = self.highest.before.max(block.peak);
        self.highest.after = self.highest.after.max(block.peak * start.max(end));
        self.gain = Some(end);
    }

    /// The gain at the end of `block`, which begins with `start`: what it and the next need, on the way to what comes after,
    /// and not much more than before.
    fn gain_after(&self, block: &Block, start: f32) -> f32 {
        let risen = start + (1.0 - start) * self.release;
        let ahead = self.measured.iter().enumerate().map(|(n, next)| {
            // The next block needs it at its very beginning.
            let way = n as f32 / AHEAD as f32;
            next.gain + (1.0 - next.gain) * way
        });
        ahead.fold(block.gain.min(risen), f32::min)
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::{FRAC_PI_4, TAU};

    use ebur128::{EbuR128, Mode};

    use super::*;

    const RATE: u32 = 48_000;

    fn limited(channels: u16, samples: &[f32]) -> (Vec<f32>, Highest) {
        let mut limiter = Limiter::new(RATE, channels, -1);
        let mut out = Vec::new();
        // In pieces of any size.
        let mut rest = samples;
        for size in [1, 63, 64, 65, 1000, 4096].into_iter().cycle() {
            let (piece, others) = rest.split_at((size * usize::from(channels)).min(rest.len()));
            out.extend(limiter.process(piece));
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        out.extend(limiter.finish());
        (out, limiter.highest())
    }

    /// dBTP, as an independent meter has it.
    fn true_peak(channels: u32, samples: &[f32]) -> f64 {
        let mut meter = EbuR128::new(channels, RATE, Mode::TRUE_PEAK).unwrap();
        meter.add_frames_f32(samples).unwrap();
        let peaks = (0..channels).map(|channel| meter.true_peak(channel).unwrap());
        20.0 * peaks.fold(0.0, f64::max).log10()
    }

    fn tone(hertz: f32, phase: f32, level: f32) -> Vec<f32> {
        let sample = |n: u32| level * (TAU * hertz * n as f32 / RATE as f32 + phase).sin();
        (0..RATE / 2).map(sample).collect()
    }

    #[test]
    fn nothing_peaks_above_the_ceiling() {
        let noise = || {
            let mut state = 1_u32;
            move || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            }
        };
        let mut random = noise();
        let bursts = (0..RATE).map(|n| if n / 3000 % 3 == 0 { 4.0 * random() } else { 0.02 });
        let square = (0..RATE / 2).map(|n| if n / 37 % 2 == 0 { 3.0 } else { -3.0 });
        let cases = [
            // Peaks that lie between samples: 3 dB above all of them.
            ("quarter rate", tone(12_000.0, FRAC_PI_4, 1.0)),
            ("sixth rate", tone(8_000.0, 0.5, 1.4)),
            ("low", tone(60.0, 0.0, 3.9)),
            ("high", tone(15_000.0, 0.3, 2.0)),
            ("bursts of noise", bursts.collect()),
            ("square", square.collect()),
        ];
        for (name, samples) in cases {
            assert!(true_peak(1, &samples) > -1.0, "{name} needs no limiter");
            let (out, highest) = limited(1, &samples);
            assert_eq!(out.len(), samples.len());
            let peak = true_peak(1, &out);
            assert!(peak <= -1.0 && peak > -4.0, "{name}: {peak} dBTP");
            assert!(20.0 * highest.after.log10() <= -1.0, "{name}: {highest:?}");
        }
    }

    #[test]
    fn what_fits_passes_untouched() {
        let samples = tone(997.0, 0.0, 0.85);
        let (out, highest) = limited(2, &samples);
        assert_eq!(out, samples);
        assert!((highest.before - 0.85).abs() < 0.01 && highest.before == highest.after);
    }

    #[test]
    fn the_gain_falls_before_a_peak_and_rises_after_it() {
        let mut samples = vec![0.1; RATE as usize];
        samples[20_000] = 4.0;
        let (out, _) = limited(1, &samples);
        let gain = |n: usize| out[n] / samples[n];
        assert!(gain(19_000) > 0.999, "no earlier than needed");
        assert!(gain(19_990) < 0.3 && gain(20_010) < 0.3);
        let steps = (19_000..19_999).map(|n| gain(n) - gain(n + 1));
        assert!(steps.fold(0.0, f32::max) < 0.01, "in small steps");
        assert!(gain(24_800) < 0.8 && gain(47_000) > 0.98, "slowly");
    }

    #[test]
    fn all_channels_are_lowered_alike() {
        let loud = tone(440.0, 0.0, 3.0);
        let samples: Vec<f32> = loud.iter().flat_map(|sample| [*sample, 0.1]).collect();
        let (out, _) = limited(2, &samples);
        let quiet = out.chunks(2).skip(1000).map(|frame| frame[1]).fold(0.0, f32::max);
        assert!(quiet < 0.06, "{quiet}");
    }
}
