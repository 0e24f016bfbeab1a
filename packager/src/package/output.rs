//! A track as it is written: initialisation, index, fragments.

use std::ops::Range;

use bytes::Bytes;
use kinora_media::TrackId;

use super::{
    Layout, PackageError, Source,
    cut::Starts,
    groups::{Chosen, Cursor, Group, Groups},
    place::{Place, TrackCoding},
    protect::Protected,
    seconds,
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
        init::{self, Init, Media},
    },
    codec::TextForm,
};

/// What the name of a track of key frames ends with.
const KEY_FRAMES: &str = "trick";

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
    /// Of which picture it has the key frames alone.
    pub(super) key_frames_of: Option<TrackId>,
    starts: Starts,
    /// Where each segment begins in the source's tables.
    cursors: Vec<Cursor<'t>>,
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
    /// Bytes of all before it.
    pub(super) offset: u64,
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
        let output = Self {
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
            key_frames_of: None,
            starts,
            cursors: Vec::new(),
        };
        output.planned(layout)
    }

    /// The key frames of this picture as a track of their own.
    pub(super) fn key_frames(&self, layout: Layout) -> Result<Self, PackageError> {
        let name = format!("{}-{}", self.id, KEY_FRAMES);
        let output = Self {
            id: TrackId::new(name).expect("a track's name with letters behind it is one"),
            key_frames_of: Some(self.id.clone()),
            ..self.clone()
        };
        output.planned(layout)
    }

    fn planned(mut self, layout: Layout) -> Result<Self, PackageError> {
        self.init = self.write_init();
        (self.rows, self.cursors) = self.plan_rows()?;
        if layout == Layout::SingleFile {
            self.index = self.write_index()?;
        }
        Ok(self)
    }

    /// Its segments, in order.
    pub fn fragments(&self) -> Fragments<'_, 't> {
        self.fragments_in(0..self.segments())
    }

    /// Some of its segments, in order, counted from 0. What comes before them is not walked, so that
    /// several threads may each take a stretch.
    pub fn fragments_in(&self, segments: Range<usize>) -> Fragments<'_, 't> {
        let segments = segments.start..segments.end.min(self.segments());
        let cursor = self.cursors.get(segments.start).cloned();
        let groups = self.groups(cursor.unwrap_or_else(|| self.first()));
        Fragments { output: self, groups, segments }
    }

    /// Segment `number`, counted from 0, alone: what it costs depends on the segment, not on how
    /// many come before it. `None` if there is no such segment.
    ///
    /// # Errors
    /// None that the plan did not have: all segments were walked once.
    pub fn fragment(&self, number: usize) -> Option<Result<Fragment, PackageError>> {
        self.fragments_in(number..number.saturating_add(1)).next()
    }

    /// Where segment `number` lies in the file of a track that is one: the range that its index
    /// names.
    pub fn range(&self, number: usize) -> Option<Range<u64>> {
        let Row { size, offset, .. } = self.rows.get(number)?;
        let start = (self.init.len() + self.index.len()) as u64 + offset;
        Some(start..start.saturating_add(*size))
    }

    /// Bytes of all segments.
    pub fn media_bytes(&self) -> u64 {
        self.rows.iter().map(|row| row.size).sum()
    }

    /// Segments.
    pub fn segments(&self) -> usize {
        self.rows.len()
    }

    /// How its text is coded; `None` for pictures and sound.
    pub fn text(&self) -> Option<TextForm> {
        match &self.coding {
            TrackCoding::Text(text) => Some(text.form),
            TrackCoding::Video(_) | TrackCoding::Audio(_) => None,
        }
    }

    /// Which source it comes from, as errors call it.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    pub(super) fn first(&self) -> Cursor<'t> {
        Cursor::first(&self.source, self.survey.samples)
    }

    pub(super) fn groups(&self, cursor: Cursor<'t>) -> Groups<'_, 't> {
        let chosen = match (&self.coding, &self.key_frames_of) {
            (TrackCoding::Audio(_), _) => Chosen::Sound,
            (TrackCoding::Text(_), _) => Chosen::Text,
            (TrackCoding::Video(_), None) => Chosen::Pictures,
            (TrackCoding::Video(_), Some(_)) => Chosen::KeyFrames,
        };
        let first_decoded = self.survey.first_decoded;
        Groups::new(&self.source, first_decoded, self.place, (&self.starts, chosen), cursor)
    }

    fn roll(&self) -> Option<i16> {
        match &self.coding {
            TrackCoding::Video(_) | TrackCoding::Text(_) => None,
            TrackCoding::Audio(sound) => sound.roll,
        }
    }

    pub(super) fn write_init(&self) -> Bytes {
        let track = self.source.track;
        let pixels = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
        let (width, height) = (pixels(track.width), pixels(track.height));
        let media = match &self.coding {
            TrackCoding::Video(_) => {
                Media::Picture(Picture { width, height, matrix: track.matrix })
            }
            TrackCoding::Audio(_) => Media::Sound,
            TrackCoding::Text(text) => match text.form {
                TextForm::WebVtt => Media::Text,
                TextForm::Ttml => Media::Subtitles,
            },
        };
        let Place { timescale, priming, .. } = self.place;
        let init = Init { timescale, media, priming, roll: self.roll() };
        let entry = track.entries[self.survey.entry as usize].bytes();
        init::write(init, entry.len(), |w| w.bytes(entry))
    }

    fn plan_rows(&self) -> Result<(Vec<Row>, Vec<Cursor<'t>>), PackageError> {
        let (mut rows, mut cursors): (Vec<Row>, _) = (Vec::new(), Vec::new());
        let mut groups = self.groups(self.first());
        for number in 0_u32.. {
            let cursor = groups.cursor().clone();
            let Some(group) = groups.next().transpose()? else { break };
            cursors.push(cursor);
            let head = self.head(number, &group).len() as u64;
            let ticks = |time: i64| u64::try_from(time).unwrap_or(0);
            let start = ticks(group.start);
            // What plays until the next segment does, belongs to this one.
            let mut offset = 0;
            if let Some(last) = rows.last_mut() {
                if start < last.start {
                    return Err(PackageError::Segment {
                        name: self.source.name.clone(),
                        start: seconds(group.start, self.place.timescale),
                        problem: "something that is shown before the segment before it",
                    });
                }
                last.end = start;
                offset = last.offset.saturating_add(last.size);
            }
            let first = group.samples.first().map_or(0, |first| u64::from(first.size));
            rows.push(Row {
                size: head + group.bytes,
                offset,
                key_frame: Some(head + first),
                start,
                end: ticks(group.end).max(start),
                sap_delta: ticks(group.key.saturating_sub(group.start)),
            });
        }
        Ok((rows, cursors))
    }

    fn head(&self, number: u32, group: &Group) -> Bytes {
        let fragment = FragmentHead {
            sequence_number: number.saturating_add(1),
            start: group.decoded,
            samples: &group.samples,
            composition_offsets: matches!(self.coding, TrackCoding::Video(_)),
            roll: self.roll().is_some(),
            whole: true,
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
pub struct Fragments<'o, 't> {
    output: &'o Output<'t>,
    groups: Groups<'o, 't>,
    /// Those still to come.
    segments: Range<usize>,
}

impl Iterator for Fragments<'_, '_> {
    type Item = Result<Fragment, PackageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.segments.next()?;
        let group = match self.groups.next()? {
            Ok(group) => group,
            Err(error) => return Some(Err(error)),
        };
        let head = self.output.head(u32::try_from(number).unwrap_or(u32::MAX), &group);
        Some(Ok(Fragment { head, media: group.media }))
    }
}
