//! Bringing a soundtrack to its level, and measuring what becomes of it.

use kinora_plan::encoder::{AudioSpec, TrackLoudness};

use super::{
    limiter::{Highest, Limiter},
    loudness::{Meter, centibels},
};
use crate::PipelineError;

/// Applies the gain of the plan and limits what would peak too high.
pub(super) struct Leveller {
    gain_cdb: i32,
    /// The same as a factor.
    gain: f32,
    limiter: Option<Limiter>,
    before: Meter,
    after: Meter,
    /// Without a limiter: the highest sample.
    highest: f32,
}

impl Leveller {
    pub(super) fn new(spec: &AudioSpec) -> Result<Self, PipelineError> {
        let (rate, channels) = (spec.sample_rate, spec.channels);
        Ok(Self {
            gain_cdb: spec.gain_cdb,
            gain: 10_f32.powf(spec.gain_cdb as f32 / 2000.0),
            limiter: spec.true_peak_dbtp.map(|ceiling| Limiter::new(rate, channels, ceiling)),
            before: Meter::new(rate, channels)?,
            after: Meter::new(rate, channels)?,
            highest: 0.0,
        })
    }

    /// Takes samples; gives those that are ready, as many in the end as went in.
    pub(super) fn level(&mut self, samples: &[f32]) -> Result<Vec<f32>, PipelineError> {
        self.before.add(samples)?;
        let raised: Vec<f32> = samples.iter().map(|sample| sample * self.gain).collect();
        let levelled = match &mut self.limiter {
            Some(limiter) => limiter.process(&raised),
            None => {
                let highest = |peak: f32, sample: &f32| peak.max(sample.abs());
                self.highest = samples.iter().fold(self.highest, highest);
                raised.into_iter().map(|sample| sample.clamp(-1.0, 1.0)).collect()
            }
        };
        self.after.add(&levelled)?;
        Ok(levelled)
    }

    /// Gives the samples that are left.
    pub(super) fn finish(&mut self) -> Result<Vec<f32>, PipelineError> {
        let last = self.limiter.as_mut().map(Limiter::finish).unwrap_or_default();
        self.after.add(&last)?;
        Ok(last)
    }

    /// How loud all of it was and became.
    pub(super) fn measured(&self) -> Result<TrackLoudness, PipelineError> {
        let Highest { before, after } = match &self.limiter {
            Some(limiter) => {
                let Highest { before, after } = limiter.highest();
                Highest { before: before / self.gain, after }
            }
            None => Highest { before: self.highest, after: (self.highest * self.gain).min(1.0) },
        };
        Ok(TrackLoudness {
            source_clufs: self.before.integrated_clufs()?,
            result_clufs: self.after.integrated_clufs()?,
            source_peak_cdbtp: centibels(before),
            result_peak_cdbtp: centibels(after),
            gain_cdb: self.gain_cdb,
        })
    }
}
