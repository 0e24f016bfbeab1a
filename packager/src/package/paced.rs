//! Samples that follow each other without gaps.

use std::iter::Peekable;

use super::{PackageError, Source};
use crate::read::{Sample, Samples};

/// The samples of a track. Where the next is decoded later than one ends, the one lasts longer:
/// that is what players make of it, and what sums of durations must say.
#[derive(Debug, Clone)]
pub(super) struct Paced<'t> {
    name: &'t str,
    samples: Peekable<Samples<'t>>,
    number: u32,
    /// Of the sample before.
    duration: u32,
}

impl<'t> Paced<'t> {
    pub(super) fn new(source: &'t Source<'_>) -> Self {
        let samples = source.track.samples().peekable();
        Self { name: &source.name, samples, number: 0, duration: 0 }
    }

    fn paced(&mut self, mut sample: Sample) -> Result<Sample, PackageError> {
        let timing = |problem| {
            let name = self.name.to_owned();
            PackageError::Timing { name, sample: self.number, problem }
        };
        match self.samples.peek() {
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
    type Item = Result<Sample, PackageError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.samples.next()? {
            Ok(sample) => self.paced(sample),
            Err(error) => Err(PackageError::Read { name: self.name.to_owned(), error }),
        })
    }
}

/// When a sample is shown, ticks of the media; before any edit list.
pub(super) fn shown(sample: &Sample) -> i64 {
    let decoded = i64::try_from(sample.decode_time).unwrap_or(i64::MAX);
    decoded.saturating_add(i64::from(sample.composition_offset))
}
