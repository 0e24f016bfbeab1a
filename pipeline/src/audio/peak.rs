//! True peaks: those of the sound, which lie between samples (ITU-R BS.1770 annex 2).

use std::f32::consts::PI;

/// Samples on either side that an interpolated one is made of.
pub(super) const REACH: usize = 6;
const TAPS: usize = 2 * REACH;
/// Between two samples so many are interpolated, less one.
const OVERSAMPLING: usize = 4;

/// Interpolates.
#[derive(Debug)]
pub(super) struct TruePeak {
    channels: usize,
    phases: [[f32; TAPS]; OVERSAMPLING - 1],
    /// What interpolation makes of twelve samples of one size at most.
    most: f32,
    line: Vec<f32>,
}

impl TruePeak {
    pub(super) fn new(channels: usize) -> Self {
        let phases = [1, 2, 3].map(|phase| taps(phase as f32 / OVERSAMPLING as f32));
        let sum = |taps: &[f32; TAPS]| taps.iter().map(|tap| tap.abs()).sum::<f32>();
        let most = phases.iter().map(sum).fold(1.0, f32::max);
        Self { channels, phases, most, line: Vec::new() }
    }

    /// The highest peak from the first sample of `block` to the first after it, over all channels;
    /// the highest sample alone if no true peak can exceed `ceiling`. `before` and `after` are
    /// the [`REACH`] sample frames around it.
    pub(super) fn of(&mut self, before: &[f32], block: &[f32], after: &[f32], ceiling: f32) -> f32 {
        let highest =
            |samples: &[f32]| samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let samples = highest(block);
        if highest(before).max(samples).max(highest(after)) * self.most <= ceiling {
            return samples;
        }
        let mut peak = samples;
        for channel in 0..self.channels {
            self.line.clear();
            for part in [before, block, after] {
                self.line.extend(part.iter().skip(channel).step_by(self.channels));
            }
            // From between the last sample before and the first of the block on.
            for window in self.line.windows(TAPS) {
                for taps in &self.phases {
                    let between: f32 = window.iter().zip(taps).map(|(s, tap)| s * tap).sum();
                    peak = peak.max(between.abs());
                }
            }
        }
        peak
    }
}

/// A windowed sinc for the place `phase` after the middle of twelve samples' left half.
fn taps(phase: f32) -> [f32; TAPS] {
    let mut taps = [0.0; TAPS];
    for (n, tap) in taps.iter_mut().enumerate() {
        let at = n as f32 - (REACH - 1) as f32 - phase;
        let sinc = (PI * at).sin() / (PI * at);
        let window = 0.5 + 0.5 * (PI * at / (REACH as f32 + 0.5)).cos();
        *tap = sinc * window;
    }
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

#[cfg(test)]
mod tests {
    use std::f32::consts::{FRAC_PI_4, TAU};

    use super::*;

    fn peak(samples: &[f32]) -> f32 {
        let (before, rest) = samples.split_at(REACH);
        let (block, after) = rest.split_at(rest.len() - REACH);
        TruePeak::new(1).of(before, block, after, 0.5)
    }

    #[test]
    fn finds_peaks_between_samples() {
        for (parts, phase) in [(4.0, FRAC_PI_4), (6.0, 0.5), (10.0, 0.1), (200.0, 1.0)] {
            let tone: Vec<f32> = (0..400).map(|n| (TAU * n as f32 / parts + phase).sin()).collect();
            let found = peak(&tone);
            assert!((0.97..1.02).contains(&found), "a wave of {parts} samples: {found}");
        }
    }

    #[test]
    fn quiet_sound_is_not_interpolated() {
        assert_eq!(peak(&[0.1; 100]), 0.1);
    }
}
