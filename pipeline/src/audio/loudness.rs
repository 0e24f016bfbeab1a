//! How loud sound is (ITU-R BS.1770, EBU R 128).

use ebur128::{Channel, EbuR128, Mode};

use crate::PipelineError;

/// The absolute gate: what never rises above it is silence, LUFS.
const GATE_LUFS: f64 = -70.0;

/// Measures the integrated loudness of interleaved sound: stereo, or 5.1 as
/// [`super::mix::SURROUND`] orders it.
pub(crate) struct Meter(EbuR128);

impl Meter {
    /// A meter for 2 or 6 channels.
    pub(crate) fn new(rate: u32, channels: u16) -> Result<Self, PipelineError> {
        let mut meter = EbuR128::new(channels.into(), rate, Mode::I).map_err(internal)?;
        if channels == 6 {
            let map = [
                Channel::Left,
                Channel::Right,
                Channel::Center,
                Channel::Unused,
                Channel::LeftSurround,
                Channel::RightSurround,
            ];
            meter.set_channel_map(&map).map_err(internal)?;
        }
        Ok(Self(meter))
    }

    pub(crate) fn add(&mut self, samples: &[f32]) -> Result<(), PipelineError> {
        self.0.add_frames_f32(samples).map_err(internal)
    }

    /// Hundredths of LUFS; `None` for silence.
    pub(crate) fn integrated_clufs(&self) -> Result<Option<i32>, PipelineError> {
        let loudness = self.0.loudness_global().map_err(internal)?;
        Ok((loudness > GATE_LUFS).then(|| (loudness * 100.0).round() as i32))
    }
}

/// A part of full scale in hundredths of a decibel; `None` for 0.
pub(super) fn centibels(part: f32) -> Option<i32> {
    (part > 0.0).then(|| (f64::from(part).log10() * 2000.0).round() as i32)
}

fn internal(error: ebur128::Error) -> PipelineError {
    PipelineError::Internal(format!("measuring loudness: {error}"))
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn tone(level_db: f32, channels: usize, on: &[usize]) -> Vec<f32> {
        let level = 10_f32.powf(level_db / 20.0);
        let frame = |n: usize| {
            let sample = level * (TAU * 1000.0 * n as f32 / 48_000.0).sin();
            (0..channels).map(move |channel| if on.contains(&channel) { sample } else { 0.0 })
        };
        (0..48_000 * 2).flat_map(frame).collect()
    }

    fn measured(samples: &[f32], channels: u16) -> Option<i32> {
        let mut meter = Meter::new(48_000, channels).unwrap();
        samples.chunks(9600).for_each(|piece| meter.add(piece).unwrap());
        meter.integrated_clufs().unwrap()
    }

    #[test]
    fn tones_are_as_loud_as_the_ebu_says() {
        // EBU Tech 3341, case 1: a stereo tone of 1 kHz at −23 dBFS is −23 LUFS.
        let stereo = measured(&tone(-23.0, 2, &[0, 1]), 2).unwrap();
        assert!((stereo + 2300).abs() <= 10, "{stereo}");
        // BS.1770: surrounds weigh 1.41 (+1.5 dB), low frequencies nothing.
        let front = measured(&tone(-20.0, 6, &[0]), 6).unwrap();
        let surround = measured(&tone(-20.0, 6, &[4]), 6).unwrap();
        assert!((front + 2301).abs() <= 10, "{front}");
        assert!((surround - front - 149).abs() <= 10, "{surround}");
        assert_eq!(measured(&tone(-20.0, 6, &[3]), 6), None);
    }

    #[test]
    fn silence_has_no_loudness() {
        assert_eq!(measured(&vec![0.0; 96_000], 2), None);
        assert_eq!(measured(&tone(-80.0, 2, &[0, 1]), 2), None);
        assert_eq!(measured(&[], 2), None);
    }

    #[test]
    fn parts_of_full_scale_in_hundredths_of_a_decibel() {
        assert_eq!((centibels(1.0), centibels(0.5), centibels(0.0)), (Some(0), Some(-602), None));
    }
}
