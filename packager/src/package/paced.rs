//! Samples that follow each other without gaps.

use super::PackageError;
use crate::read::{ReadError, Sample, Samples, Track};

/// The samples of a track. Where the next is decoded later than one ends, the one lasts longer:
/// that is what players make of it, and what sums of durations must say.
#[derive(Debug, Clone)]
pub(super) struct Paced<'t> {
    samples: Samples<'t>,
    /// The sample after the one handed out, read already.
    ahead: Option<Result<Sample, ReadError>>,
    number: u32,
    /// Of the sample before.
    duration: u32,
}

impl<'t> Paced<'t> {
    pub(super) fn new(track: &'t Track<'_>) -> Self {
        let mut samples = track.samples();
        let ahead = samples.next();
        Self { samples, ahead, number: 0, duration: 0 }
    }

    fn paced(&mut self, mut sample: Sample) -> Result<Sample, Fault> {
        let timing = |problem| Fault::Timing { sample: self.number, problem };
        match &self.ahead {
            Some(Ok(next)) => {
                let lasts = next.decode_time.checked_sub(sample.decode_time);
                let lasts = lasts.ok_or_else(|| timing("is decoded after the next"))?;
                sample.duration =
                    u32::try_from(lasts).map_err(|_| timing("lasts longer than 32 bits say"))?;
            }
            // Of the last there is nothing to tell how long it lasts.
            None if sample.duration == 0 => sample.duration = self.duration.max(1),
            Some(Err(_)) | None => {}
        }
        self.duration = sample.duration;
        self.number = self.number.checked_add(1).ok_or_else(|| timing("is the last countable"))?;
        Ok(sample)
    }
}

impl Iterator for Paced<'_> {
    type Item = Result<Sample, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let sample = self.ahead.take()?;
        self.ahead = self.samples.next();
        Some(match sample {
            Ok(sample) => self.paced(sample),
            Err(error) => Err(Fault::Read(error)),
        })
    }
}

/// What is wrong with a track that has no name here.
#[derive(Debug)]
pub(super) enum Fault {
    Read(ReadError),
    Timing { sample: u32, problem: &'static str },
}

impl Fault {
    /// The error of the track of this name.
    pub(super) fn of(self, name: &str) -> PackageError {
        let name = name.to_owned();
        match self {
            Self::Read(error) => PackageError::Read { name, error },
            Self::Timing { sample, problem } => PackageError::Timing { name, sample, problem },
        }
    }
}

/// When a sample is shown, ticks of the media; before any edit list.
pub(super) fn shown(sample: &Sample) -> i64 {
    let decoded = i64::try_from(sample.decode_time).unwrap_or(i64::MAX);
    decoded.saturating_add(i64::from(sample.composition_offset))
}
