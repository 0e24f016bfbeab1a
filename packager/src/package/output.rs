//! A track as it is written: initialisation, index, fragments.

use std::ops::Range;

use bytes::Bytes;
use kinora_media::TrackId;

use super::{
    Layout, PackageError, Source,
    cut::Starts,
    groups::{Group, Groups},
    place::{Place, TrackCoding},
    protect::Protected,
    survey::Survey,
};
use crate::{
    boxes::{
        BoxWriter,
        sidx::{self, MAX_REFERENCES, Reference},
        tkhd::Picture,
    },
    cmaf::{
        fragment::Fragment as FragmentHead,
        init::{self, Init},
    },
};

/// A track to be written. In one file: [`Self::init`], [`Self::index`], then every fragment.
#[derive(Debug, Clone)]
pub struct Output<'t> {
    /// Its name in addresses.
    pub id: TrackId,
    /// The file its media is read from.
    pub file: usize,
    /// Its initialisation segment.
    pub init: Bytes,
    /// Its index, where it is one file; else empty. It keeps its length when it is measured.
    pub index: Bytes,
    pub(super) source: Source<'t>,
    pub(super) coding: TrackCoding,
    pub(super) survey: Survey,
    pub(super) place: Place,
    pub(super) rows: Vec<Row>,
    pub(super) protected: Option<Protected>,
    starts: Starts,
}

/// One fragment: a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// `styp`, `moof`, and the header of `mdat`.
    pub head: Bytes,
    /// What follows: ranges of the source, in order.
    pub media: Vec<Range<u64>>,
}

impl Fragment {
    /// Bytes of the segment.
    pub fn len(&self) -> u64 {
        let media: u64 = self.media.iter().map(|range| range.end - range.start).sum();
        self.head.len() as u64 + media
    }

    /// Whether there is nothing: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the index says of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Bytes.
    pub(super) size: u64,
    /// Bytes up to the end of its first sample, where those can be had alone.
    pub(super) key_frame: Option<u64>,
    /// Ticks from the start of the presentation.
    pub(super) start: u64,
    /// Ticks from the start of the presentation: where the next begins.
    pub(super) end: u64,
    /// Ticks from its start to that of what can be decoded.
    sap_delta: u64,
}

impl Row {
    /// Whether it can be decoded whole without what comes before it.
    pub(super) fn is_independent(&self) -> bool {
        self.sap_delta == 0
    }
}

impl<'t> Output<'t> {
    pub(super) fn plan(
        source: Source<'t>,
        coding: TrackCoding,
        survey: Survey,
        place: Place,
        starts: Starts,
        layout: Layout,
    ) -> Result<Self, PackageError> {
        let mut output = Self {
            id: TrackId::new("t").expect("a letter is a name"),
            file: source.file,
            init: Bytes::new(),
            index: Bytes::new(),
            source,
            coding,
            survey,
            place,
            rows: Vec::new(),
            protected: None,
            starts,
        };
        output.init = output.write_init();
        output.rows = output.plan_rows()?;
        if layout == Layout::SingleFile {
            output.index = output.write_index()?;
        }
        Ok(output)
    }

    /// Its segments, in order.
    pub fn fragments(&self) -> Fragments<'_> {
        Fragments { output: self, groups: self.groups(), number: 0 }
    }

    /// Bytes of all segments.
    pub fn media_bytes(&self) -> u64 {
        self.rows.iter().map(|row| row.size).sum()
    }

    /// Segments.
    pub fn segments(&self) -> usize {
        self.rows.len()
    }

    /// Which source it comes from, as errors call it.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    fn groups(&self) -> Groups<'_> {
        let Survey { samples, first_decoded, .. } = self.survey;
        Groups::new(&self.source, samples, first_decoded, self.place, &self.starts)
    }

    fn roll(&self) -> Option<i16> {
        match &self.coding {
            TrackCoding::Video(_) => None,
            TrackCoding::Audio(sound) => sound.roll,
        }
    }

    pub(super) fn write_init(&self) -> Bytes {
        let track = self.source.track;
        let pixels = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
        let picture = matches!(self.coding, TrackCoding::Video(_)).then(|| Picture {
            width: pixels(track.width),
            height: pixels(track.height),
            matrix: track.matrix,
        });
        let Place { timescale, priming, .. } = self.place;
        let init = Init { timescale, picture, priming, roll: self.roll() };
        let entry = track.entries[self.survey.entry as usize].bytes();
        init::write(init, entry.len(), |w| w.bytes(entry))
    }

    fn plan_rows(&self) -> Result<Vec<Row>, PackageError> {
        let mut rows: Vec<Row> = Vec::new();
        for (number, group) in (0_u32..).zip(self.groups()) {
            let group = group?;
            let head = self.head(number, &group).len() as u64;
            let ticks = |time: i64| u64::try_from(time).unwrap_or(0);
            let start = ticks(group.start);
            // What plays until the next segment does, belongs to this one.
            if let Some(last) = rows.last_mut() {
                last.end = start;
            }
            let first = group.samples.first().map_or(0, |first| u64::from(first.size));
            rows.push(Row {
                size: head + group.bytes,
                key_frame: Some(head + first),
                start,
                end: ticks(group.end).max(start),
                sap_delta: ticks(group.key.saturating_sub(group.start)),
            });
        }
        Ok(rows)
    }

    fn head(&self, number: u32, group: &Group) -> Bytes {
        let fragment = FragmentHead {
            sequence_number: number.saturating_add(1),
            start: group.decoded,
            samples: &group.samples,
            composition_offsets: matches!(self.coding, TrackCoding::Video(_)),
            roll: self.roll().is_some(),
        };
        fragment.head(0).finish()
    }

    pub(super) fn write_index(&self) -> Result<Bytes, PackageError> {
        if self.rows.len() > MAX_REFERENCES {
            let (name, count) = (self.source.name.clone(), self.rows.len());
            return Err(PackageError::Segments { name, count });
        }
        let references = self.rows.iter().map(|row| {
            let fits = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
            Reference {
                // A segment is limited to 1 GiB and its rows.
                size: fits(row.size).min(sidx::MAX_SIZE),
                duration: fits(row.end - row.start),
                sap_type: if row.is_independent() { 1 } else { 3 },
                sap_delta: fits(row.sap_delta),
            }
        });
        let references: Vec<_> = references.collect();
        let start = self.rows.first().map_or(0, |row| row.start);
        let mut w = BoxWriter::with_capacity(40 + references.len() * 12);
        sidx::write(&mut w, self.place.timescale, start, &references);
        Ok(w.finish())
    }
}

/// Walks the segments of a track.
#[derive(Debug, Clone)]
pub struct Fragments<'o> {
    output: &'o Output<'o>,
    groups: Groups<'o>,
    number: u32,
}

impl Iterator for Fragments<'_> {
    type Item = Result<Fragment, PackageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = match self.groups.next()? {
            Ok(group) => group,
            Err(error) => return Some(Err(error)),
        };
        let head = self.output.head(self.number, &group);
        self.number = self.number.saturating_add(1);
        Some(Ok(Fragment { head, media: group.media }))
    }
}
