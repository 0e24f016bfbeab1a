//! Samples of a track in segments: the second and the third walk.

use std::ops::Range;

use super::{
    PackageError, Source,
    cut::Starts,
    paced::{Paced, shown},
    place::Place,
    seconds,
};
use crate::{
    boxes::trun,
    cmaf::fragment::{MAX_MEDIA_BYTES, MAX_SAMPLES, NON_SYNC, SYNC},
};

/// The samples of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// When the first is decoded, ticks of the output.
    pub(super) decoded: u64,
    /// As the fragment describes them.
    pub(super) samples: Vec<trun::Sample>,
    /// Where they lie in the source; neighbours are one range.
    pub(super) media: Vec<Range<u64>>,
    /// Bytes of media.
    pub(super) bytes: u64,
    /// When the first of them is presented, ticks.
    pub(super) start: i64,
    /// When the last of them ends, ticks.
    pub(super) end: i64,
    /// When the first in decoding order is presented, ticks.
    pub(super) key: i64,
}

/// Which samples of a track are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    Sound,
    Pictures,
    /// Each lasts until the next.
    KeyFrames,
    /// One that is shown beyond the end of a segment stands in the next again.
    Text,
}

/// Walks the segments of a track.
#[derive(Debug, Clone)]
pub(super) struct Groups<'o, 't> {
    source: &'o Source<'t>,
    place: Place,
    chosen: Chosen,
    starts: &'o Starts,
    first_decoded: u64,
    cursor: Cursor<'t>,
}

/// Where a walk stands, between two segments: it may go on from here at any time, which costs the
/// same wherever that is.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'t> {
    paced: std::iter::Take<Paced<'t>>,
    /// Of the starts, the next.
    next_start: usize,
    /// The sample that begins the next group, read already.
    pending: Option<crate::read::Sample>,
    /// How many samples were handed out.
    number: u32,
}

impl<'t> Cursor<'t> {
    /// Before the first of `samples`.
    pub(super) fn first(source: &Source<'t>, samples: u32) -> Self {
        let paced = Paced::new(source.track).take(samples as usize);
        Self { paced, next_start: 0, pending: None, number: 0 }
    }
}

impl<'o, 't> Groups<'o, 't> {
    pub(super) fn new(
        source: &'o Source<'t>,
        first_decoded: u64,
        place: Place,
        (starts, chosen): (&'o Starts, Chosen),
        cursor: Cursor<'t>,
    ) -> Self {
        Self { source, place, chosen, starts, first_decoded, cursor }
    }

    /// Where it stands.
    pub(super) fn cursor(&self) -> &Cursor<'t> {
        &self.cursor
    }

    fn group(&mut self) -> Result<Option<Group>, PackageError> {
        let mut group: Option<Group> = None;
        loop {
            let sample = match self.cursor.pending.take() {
                Some(sample) => sample,
                None => match self.cursor.paced.next() {
                    Some(sample) => sample.map_err(|fault| fault.of(&self.source.name))?,
                    None => return Ok(group),
                },
            };
            if self.begins(&sample) && group.is_some() {
                self.cursor.pending = Some(sample);
                return Ok(group);
            }
            let sample = self.shortened(sample);
            let group = group.get_or_insert_with(|| self.empty(&sample));
            match group.samples.last_mut() {
                Some(last) if self.chosen == Chosen::KeyFrames && !sample.key => {
                    last.duration = self.stretched(last.duration, sample.duration)?;
                    self.end_with(group, &sample);
                }
                _ => self.add(group, &sample)?,
            }
            self.cursor.number += 1;
        }
    }

    /// Whether the sample is the first of a segment; each is asked for once or twice.
    fn begins(&mut self, sample: &crate::read::Sample) -> bool {
        let presented = self.presented(sample);
        let Cursor { next_start, number, .. } = &mut self.cursor;
        match self.starts {
            Starts::Samples(starts) => {
                let before = |start: &u32| *start < *number;
                while starts.get(*next_start).is_some_and(before) {
                    *next_start += 1;
                }
                starts.get(*next_start) == Some(number)
            }
            Starts::Times(times) => {
                // Text is parted exactly there.
                let duration = if self.chosen == Chosen::Text { 0 } else { sample.duration };
                let middle = presented.saturating_mul(2).saturating_add(i64::from(duration));
                let mut begins = false;
                while times.get(*next_start).is_some_and(|&t| t.saturating_mul(2) <= middle) {
                    *next_start += 1;
                    begins = true;
                }
                begins
            }
        }
    }

    /// As much of a text as is shown in this segment; what is left of it is pending.
    fn shortened(&mut self, sample: crate::read::Sample) -> crate::read::Sample {
        let (Chosen::Text, Starts::Times(times)) = (self.chosen, self.starts) else {
            return sample;
        };
        let Some(&next) = times.get(self.cursor.next_start) else { return sample };
        let until = u32::try_from(next.saturating_sub(self.presented(&sample)));
        let Some(duration) = until.ok().filter(|&until| until < sample.duration) else {
            return sample;
        };
        let decode_time = sample.decode_time.saturating_add(u64::from(duration));
        let left = sample.duration - duration;
        self.cursor.pending = Some(crate::read::Sample { decode_time, duration: left, ..sample });
        crate::read::Sample { duration, ..sample }
    }

    fn presented(&self, sample: &crate::read::Sample) -> i64 {
        let shown = shown(sample).saturating_add(self.place.shift);
        shown.saturating_sub(i64::from(self.place.priming))
    }

    /// How long a key frame lasts with a picture more that is left out.
    fn stretched(&self, ticks: u32, more: u32) -> Result<u32, PackageError> {
        ticks.checked_add(more).ok_or_else(|| PackageError::Timing {
            name: self.source.name.clone(),
            sample: self.cursor.number,
            problem: "is too far from the key frame before it for trick play",
        })
    }

    fn end_with(&self, group: &mut Group, sample: &crate::read::Sample) {
        let end = self.presented(sample).saturating_add(i64::from(sample.duration));
        group.end = group.end.max(end);
    }

    /// When a sample is decoded in the output.
    fn decoded(&self, sample: &crate::read::Sample) -> u64 {
        (sample.decode_time - self.first_decoded).saturating_add(self.place.base)
    }

    fn empty(&self, first: &crate::read::Sample) -> Group {
        let start = self.presented(first);
        Group {
            decoded: self.decoded(first),
            samples: Vec::new(),
            media: Vec::new(),
            bytes: 0,
            start,
            end: start,
            key: start,
        }
    }

    fn add(&self, group: &mut Group, sample: &crate::read::Sample) -> Result<(), PackageError> {
        let name = || self.source.name.clone();
        let too_much = |problem| {
            let start = seconds(group.start, self.place.timescale);
            Err(PackageError::Segment { name: name(), start, problem })
        };
        if group.samples.len() == MAX_SAMPLES {
            return too_much("more than a million samples");
        }
        let bytes = group.bytes + u64::from(sample.size);
        if bytes > MAX_MEDIA_BYTES as u64 {
            return too_much("more than 1 GiB");
        }
        let start = self.presented(sample);
        let offset = i128::from(shown(sample)) + i128::from(self.place.shift)
            - i128::from(self.decoded(sample));
        let problem = "is shown too long before or after it is decoded";
        let composition_offset = i32::try_from(offset).map_err(|_| PackageError::Timing {
            name: name(),
            sample: self.cursor.number,
            problem,
        })?;
        let alone = matches!(self.chosen, Chosen::Sound | Chosen::Text);
        let flags = if sample.key || alone { SYNC } else { NON_SYNC };
        let (duration, size) = (sample.duration, sample.size);
        group.samples.push(trun::Sample { duration, size, flags, composition_offset });
        group.bytes = bytes;
        group.start = group.start.min(start);
        self.end_with(group, sample);
        let end = sample.offset.saturating_add(u64::from(size));
        match group.media.last_mut() {
            Some(last) if last.end == sample.offset => last.end = end,
            _ => group.media.push(sample.offset..end),
        }
        Ok(())
    }
}

impl Iterator for Groups<'_, '_> {
    type Item = Result<Group, PackageError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.group().transpose()
    }
}
