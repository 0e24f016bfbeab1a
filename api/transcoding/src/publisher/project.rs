//! From accepted objects to the segment index: pure.

use std::collections::BTreeMap;

use kinora_media::{
    Access, ChunkEntry, Encryption, HEAD_SCHEMA, Head, Page, PageRef, Period, Pictures,
    SegmentEntry, Status, TrackId, init_name, ticks,
};
use kinora_plan::{Plan, TrackTemplate};

use crate::{
    repository::{
        Frozen, TextObject, Transcode,
        objects::{Accepted, Coding},
        statistics::Finished,
    },
    state::fit::first_chunk_of,
};

/// How many segments of every required track must stand at the front before anything is shown.
const PLAYABLE_SEGMENTS: u64 = 2;

/// What there is to publish.
#[derive(Debug)]
pub(crate) struct Material<'a> {
    pub plan: &'a Plan,
    pub finished: &'a Finished,
    /// Pages that are closed already.
    pub closed: &'a [PageRef],
    /// Accepted objects from the first open page on.
    pub accepted: Accepted,
    /// Where each track's accepted objects end, ticks.
    pub ends: BTreeMap<TrackId, u64>,
    /// How tracks are coded, as far as they have objects.
    pub codings: &'a BTreeMap<TrackId, Coding>,
}

/// What players may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Projection {
    /// Whether it is enough to show.
    pub playable: bool,
    /// Whether it is all that plays.
    pub complete: bool,
    /// Whether nothing is to come that accompanies it, either.
    pub settled: bool,
    /// The poster and the storyboard, if they are made.
    pub pictures: Option<Pictures>,
    /// How much stands at the front, microseconds: the shortest of the growing tracks.
    pub front_us: u64,
    /// The planned duration, exact if complete, microseconds.
    pub duration_us: u64,
    /// How segments are encrypted on their way to players.
    pub encryption: Encryption,
    /// The first chunk that the CPU encodes after a graphics processor failed.
    pub software_from: Option<u32>,
    /// What follows from that: stretches of the picture with parameter sets of their own.
    periods: Vec<Period>,
    /// Pages, those closed before among them.
    closed: Vec<PageRef>,
    /// For each track its open chunks with the pages they belong to.
    open: BTreeMap<TrackId, Vec<(u32, ChunkEntry)>>,
    /// Tracks of which more is to come.
    growing: Vec<TrackId>,
}

/// A page that is to become an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClosedPage {
    pub object: String,
    pub page: Page,
}

/// A required track, as far as it stands at the front without a gap.
struct Lane {
    template: TrackTemplate,
    /// Ticks that players skip at the beginning.
    priming: u64,
    finished: bool,
    /// Whether segments are held back because another track does not have them yet.
    held_back: bool,
    /// Segments in closed pages.
    before: u64,
    entries: Vec<(u32, ChunkEntry)>,
}

/// The published prefix: of every required track as many segments as the shortest of those that
/// still grow has at its front.
pub(crate) fn project(material: &Material<'_>) -> Projection {
    let mut lanes = lanes(material);
    let growing = lanes.iter().filter(|lane| !lane.finished);
    let shortest = growing.map(Lane::segments).min();
    for lane in &mut lanes {
        lane.keep(shortest.unwrap_or(u64::MAX));
    }
    let complete = shortest.is_none() && material.finished.texts;
    let duration_us =
        if complete { exact_us(&lanes, &material.ends) } else { material.plan.duration_us };
    let growing = lanes.iter().filter(|lane| !lane.finished);
    let front_us = growing.map(Lane::front_us).min().unwrap_or(duration_us);
    Projection {
        playable: shortest.is_none_or(|segments| segments >= PLAYABLE_SEGMENTS),
        complete,
        settled: complete && material.finished.pictures,
        pictures: None,
        front_us,
        duration_us,
        encryption: material.plan.encryption,
        software_from: material.accepted.software_from,
        periods: periods(material.plan, material.accepted.software_from, complete),
        closed: material.closed.to_vec(),
        growing: lanes
            .iter()
            .filter(|lane| !lane.finished || lane.held_back)
            .map(|lane| lane.template.id.clone())
            .collect(),
        open: lanes.into_iter().map(|lane| (lane.template.id, lane.entries)).collect(),
    }
}

/// The stretches of the picture: none of their own if one encoder does it all under the first
/// name, the first by itself while another may have to go on, one under another name if the first
/// encoder's work was never shown, else two.
fn periods(plan: &Plan, software_from: Option<u32>, complete: bool) -> Vec<Period> {
    let Some(video) = &plan.video else { return vec![] };
    let grid = video.stream.frame_rate;
    let period = |frame: u64, generation| Period {
        start: frame.saturating_mul(u64::from(grid.frame_ticks())),
        timescale: grid.timescale(),
        init: init_name(generation),
    };
    match software_from {
        None if complete || video.encoder.is_software() => vec![],
        None => vec![period(0, 0)],
        Some(0) => vec![period(0, 1)],
        Some(from) => {
            let chunk = usize::try_from(from).ok().and_then(|index| video.chunks.get(index));
            let first_frame = chunk.map_or(video.frames, |chunk| chunk.first_frame);
            vec![period(0, 0), period(first_frame, 1)]
        }
    }
}

fn lanes(material: &Material<'_>) -> Vec<Lane> {
    let page = u32::try_from(material.closed.len()).unwrap_or(u32::MAX);
    let rungs = material.plan.video.iter().flat_map(|video| &video.ladder.rungs);
    let first_chunks: BTreeMap<_, _> =
        rungs.map(|rung| (&rung.track, first_chunk_of(material.plan, rung, page))).collect();
    let lane = |template: TrackTemplate| {
        let track = &template.id;
        let counted = material.closed.iter().filter_map(|page| page.segments.get(track));
        let objects = material.accepted.by_track.get(track).map_or(&[][..], Vec::as_slice);
        // Chunks of the picture come in any order; parts of a soundtrack one after the other.
        let first = first_chunks.get(track).copied();
        let first = first.unwrap_or_else(|| objects.first().map_or(0, |object| object.chunk));
        let front = objects.iter().zip(first..).take_while(|(object, next)| object.chunk == *next);
        Lane {
            finished: match first_chunks.contains_key(track) {
                true => material.finished.video,
                false => material.finished.audio.contains(track),
            },
            priming: material.codings.get(track).map_or(0, |coding| u64::from(coding.priming)),
            held_back: false,
            before: counted.sum(),
            entries: front.map(|(object, _)| (object.page, object.entry.clone())).collect(),
            template,
        }
    };
    material.plan.track_templates().into_iter().map(lane).collect()
}

impl Lane {
    fn segments(&self) -> u64 {
        self.before + self.entries.iter().map(|(_, e)| e.segments.len() as u64).sum::<u64>()
    }

    /// Drops what goes beyond so many segments, and chunks without any.
    fn keep(&mut self, segments: u64) {
        self.held_back = self.segments() > segments;
        let mut left = segments.saturating_sub(self.before);
        for (_, entry) in &mut self.entries {
            entry.segments.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= entry.segments.len() as u64;
        }
        self.entries.retain(|(_, entry)| !entry.segments.is_empty());
    }

    fn front_us(&self) -> u64 {
        self.micros(self.entries.last().map_or(0, |(_, entry)| end_of(entry)))
    }

    /// When a player is at `time` ticks.
    fn micros(&self, time: u64) -> u64 {
        let time = i64::try_from(time.saturating_sub(self.priming)).unwrap_or(i64::MAX);
        let timescale = u64::from(self.template.timescale.max(1));
        ticks::rescale(time, timescale, ticks::MICROS).unsigned_abs()
    }
}

fn end_of(entry: &ChunkEntry) -> u64 {
    entry.segments.iter().fold(entry.start, |end, segment| end.saturating_add(segment.duration))
}

fn text_entry(text: &TextObject) -> ChunkEntry {
    let segment = SegmentEntry::new(text.size, text.duration);
    ChunkEntry { object: text.object.clone(), start: 0, segments: vec![segment] }
}

/// The longest track's duration.
fn exact_us(lanes: &[Lane], ends: &BTreeMap<TrackId, u64>) -> u64 {
    let end = |lane: &Lane| lane.micros(ends.get(&lane.template.id).copied().unwrap_or(0));
    lanes.iter().map(end).max().unwrap_or(0)
}

impl Projection {
    /// Lists caption files from the beginning of the first page on.
    pub(crate) fn add_texts(&mut self, texts: &[TextObject], first_page_is_open: bool) {
        for text in texts.iter().filter(|text| first_page_is_open && !text.late) {
            self.open.insert(text.track.clone(), vec![(0, text_entry(text))]);
        }
    }

    /// Lists what was read of the source after the first publish: in the head, whatever pages
    /// were closed before.
    pub(crate) fn add_late_texts(&mut self, texts: &[TextObject]) {
        let page = u32::try_from(self.closed.len()).unwrap_or(u32::MAX);
        for text in texts.iter().filter(|text| text.late) {
            self.open.insert(text.track.clone(), vec![(page, text_entry(text))]);
        }
    }

    /// Closes the pages that cannot change any more: every growing track is published beyond
    /// them. What lies on a page follows from its times alone, so that everybody who closes it
    /// writes the same.
    pub(crate) fn close_pages(&mut self, closed: &[PageRef]) -> Vec<ClosedPage> {
        let mut pages = Vec::new();
        for number in u32::try_from(closed.len()).unwrap_or(u32::MAX).. {
            let beyond =
                |track| self.open.get(track).is_some_and(|e| e.iter().any(|(p, _)| *p > number));
            let last = !self.open.values().flatten().any(|(page, _)| *page > number);
            if last || !self.growing.iter().all(beyond) {
                break;
            }
            let mut page = Page::default();
            for (track, entries) in &mut self.open {
                let cut = entries.partition_point(|(page, _)| *page <= number);
                let on_page: Vec<_> = entries.drain(..cut).map(|(_, entry)| entry).collect();
                if !on_page.is_empty() {
                    page.tracks.insert(track.clone(), on_page);
                }
            }
            let object = format!("page-{number:04}.json");
            self.closed.push(PageRef { object: object.clone(), segments: page.counts() });
            pages.push(ClosedPage { object, page });
        }
        pages
    }

    /// The head that shows this. Revision, writer and time are the swap's to fill in.
    pub(crate) fn head(&self, transcode: &Transcode, frozen: &Frozen) -> Head {
        let open = self.open.iter().filter(|(_, entries)| !entries.is_empty());
        let entries = |entries: &Vec<(u32, ChunkEntry)>| {
            entries.iter().map(|(_, entry)| entry.clone()).collect()
        };
        Head {
            schema: HEAD_SCHEMA,
            video: transcode.video,
            version: transcode.version,
            revision: 0,
            writer: String::new(),
            status: if self.complete { Status::Complete } else { Status::Growing },
            access: if transcode.signed { Access::Signed } else { Access::Public },
            first_published_complete: frozen.first_published_complete,
            published_at_us: 0,
            first_published_at_us: frozen.first_published_at_us,
            duration_us: self.duration_us,
            target_duration_s: frozen.target_duration_s,
            tracks: frozen.tracks.clone(),
            periods: self.periods.clone(),
            pages: self.closed.clone(),
            tail: Page { tracks: open.map(|(track, e)| (track.clone(), entries(e))).collect() },
            chapters: frozen.chapters.clone(),
            pictures: self.pictures.clone(),
            encryption: self.encryption,
        }
    }
}
