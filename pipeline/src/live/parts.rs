//! Coded pictures, cut into parts and segments.

use std::{mem, time::Duration};

use anyhow::{Context, ensure};
use bytes::Bytes;
use kinora_media::{AccessUnit, FrameRate};
use kinora_packager::{
    cmaf::{self, SegmentKind, VideoConfig},
    codec,
};
use serde_json::json;

use super::picture::{Coded, kbps};

/// No part is longer.
const LONGEST_PART: Duration = Duration::from_millis(500);

/// How long things are, frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) rate: FrameRate,
    pub(super) part: u64,
    /// Whole groups of pictures, each of which is a segment.
    pub(super) segment: u64,
    /// Which lasts so many seconds, to the nearest.
    segment_s: u32,
}

impl Layout {
    pub(super) fn new(rate: FrameRate, part_ms: u32, segment_s: u32) -> anyhow::Result<Self> {
        let part = rate.nearest_frame(i64::from(part_ms) * 1_000_000).max(1);
        let lasts = Duration::from_nanos(rate.frame_nanos(part));
        ensure!(lasts <= LONGEST_PART, "at {rate} frames a second a part lasts {lasts:?}");
        Ok(Self { rate, part, segment: rate.frames_nearest(segment_s), segment_s })
    }

    fn ticks(self, frames: u64) -> u64 {
        frames * u64::from(self.rate.frame_ticks())
    }
}

/// What is put at once.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) segment: u64,
    pub(super) number: u64,
    /// Ticks.
    pub(super) duration: u64,
    /// Whether a key frame is in it.
    pub(super) independent: bool,
    /// Whether it is its segment's last.
    pub(super) last: bool,
    /// When its first picture was made and when its last one was over, in the pipeline's time.
    pub(super) starts: Duration,
    pub(super) ends: Duration,
    pub(super) body: Bytes,
}

/// Takes coded pictures one by one.
#[derive(Debug)]
pub(super) struct Parts {
    layout: Layout,
    size: (u32, u32),
    /// Frames after which it is over.
    end: Option<u64>,
    record: Option<Bytes>,
    /// Frames of the parts that are done, and the number of the next.
    done: u64,
    next: (u64, u64),
    /// Parts that are done.
    count: u32,
    units: Vec<AccessUnit>,
    starts: Duration,
}

impl Parts {
    pub(super) fn new(layout: Layout, size: (u32, u32), end: Option<u64>) -> Self {
        Self {
            layout,
            size,
            end,
            record: None,
            done: 0,
            next: (0, 0),
            count: 0,
            units: Vec::new(),
            starts: Duration::ZERO,
        }
    }

    pub(super) fn is_beginning(&self) -> bool {
        self.record.is_none()
    }

    pub(super) fn is_over(&self) -> bool {
        self.end.is_some_and(|end| self.done >= end)
    }

    /// The part that is being made is the last.
    pub(super) fn end_soon(&mut self) {
        self.end = Some(self.part_end());
    }

    /// Frames of the parts that are done.
    pub(super) fn frames(&self) -> u64 {
        self.done
    }

    /// What the origin is told of the rendition, and its initialisation segment.
    pub(super) fn describe(
        &mut self,
        record: &Bytes,
    ) -> anyhow::Result<(serde_json::Value, Bytes)> {
        let Layout { rate, part, .. } = self.layout;
        let (width, height) = self.size;
        let config = VideoConfig {
            timescale: rate.timescale(),
            width,
            height,
            avcc: record.clone(),
            colour: None,
            bit_rate: None,
        };
        let description = json!({
            "access": "public",
            "timescale": config.timescale,
            "target_duration_s": self.layout.segment_s,
            "part_target": self.layout.ticks(part),
            "independent": true,
            "codec": codec::avc(record)?,
            // A second, half a one that its buffer lets the encoder spend in advance, and boxes.
            "bandwidth": u64::from(kbps(rate, self.size)) * 2000,
            "media": { "kind": "video", "width": width, "height": height, "frame_rate": rate },
        });
        self.record = Some(record.clone());
        Ok((description, cmaf::video_init(&config)?))
    }

    /// Takes the next picture; a part, if that makes it whole.
    pub(super) fn take(&mut self, coded: Coded) -> anyhow::Result<Option<Part>> {
        let index = self.done + self.units.len() as u64;
        let in_segment = index % self.layout.segment;
        ensure!(self.record.as_ref() == Some(&coded.record), "the parameter sets changed");
        ensure!(coded.key == (in_segment == 0), "picture {index} is a key frame: {}", coded.key);
        if self.units.is_empty() {
            self.starts = coded.made;
        }
        // The grid's times, not the encoder's: pictures come one after the other, none reordered.
        let pts = i64::try_from(self.layout.ticks(index)).context("it lasted for ever")?;
        let duration = self.layout.rate.frame_ticks();
        self.units.push(AccessUnit { pts, duration, key: coded.key, data: coded.data });
        let ends = coded.made + Duration::from_nanos(self.layout.rate.frame_nanos(1));
        (index + 1 == self.part_end()).then(|| self.finish(ends)).transpose()
    }

    /// The frame before which the part that is being made ends.
    fn part_end(&self) -> u64 {
        let Layout { part, segment, .. } = self.layout;
        let segment_end = (self.done / segment + 1) * segment;
        let end = (self.done + part).min(segment_end);
        self.end.map_or(end, |last| end.min(last))
    }

    fn finish(&mut self, ends: Duration) -> anyhow::Result<Part> {
        let units = mem::take(&mut self.units);
        let (start, (segment, number)) = (self.layout.ticks(self.done), self.next);
        self.count = self.count.checked_add(1).context("too many parts")?;
        let body = cmaf::part(SegmentKind::Video, self.count, start, &units)?;
        self.done += units.len() as u64;
        let last = self.done.is_multiple_of(self.layout.segment) || self.is_over();
        self.next = if last { (segment + 1, 0) } else { (segment, number + 1) };
        Ok(Part {
            segment,
            number,
            duration: self.layout.ticks(units.len() as u64),
            independent: units.iter().any(|unit| unit.key),
            last,
            starts: self.starts,
            ends,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = &[1, 0x4d, 0x40, 13, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68];

    fn coded(n: u64, key: bool) -> Coded {
        let (record, data) = (Bytes::from_static(RECORD), Bytes::from_static(b"picture"));
        Coded { key, made: Duration::from_millis(n * 40), record, data }
    }

    fn parts(part_ms: u32, end: Option<u64>) -> Parts {
        let layout = Layout::new(FrameRate::new(25, 1).unwrap(), part_ms, 1).unwrap();
        let mut parts = Parts::new(layout, (320, 180), end);
        parts.describe(&Bytes::from_static(RECORD)).unwrap();
        parts
    }

    /// Segment, part, frames, whether it has a key frame, whether it is the last.
    fn cut(parts: &mut Parts, frames: std::ops::Range<u64>) -> Vec<(u64, u64, u64, bool, bool)> {
        let taken = frames.map(|n| parts.take(coded(n, n % 25 == 0)).unwrap());
        taken
            .flatten()
            .map(|it| (it.segment, it.number, it.duration / 3600, it.independent, it.last))
            .collect()
    }

    #[test]
    fn parts_fill_their_segment() {
        let expected = [
            (0, 0, 8, true, false),
            (0, 1, 8, false, false),
            (0, 2, 8, false, false),
            (0, 3, 1, false, true),
            (1, 0, 8, true, false),
        ];
        assert_eq!(cut(&mut parts(320, None), 0..33), expected);
    }

    #[test]
    fn the_last_part_ends_its_segment() {
        let mut ending = parts(200, Some(8));
        assert_eq!(cut(&mut ending, 0..8), [(0, 0, 5, true, false), (0, 1, 3, false, true)]);
        assert!(ending.is_over());
        let mut interrupted = parts(200, None);
        assert_eq!(cut(&mut interrupted, 0..7), [(0, 0, 5, true, false)]);
        interrupted.end_soon();
        assert_eq!(cut(&mut interrupted, 7..10), [(0, 1, 5, false, true)]);
        assert!(interrupted.is_over());
    }

    #[test]
    fn what_an_encoder_must_not_do_is_said() {
        assert!(parts(200, None).take(coded(0, false)).is_err());
        let other = Coded { record: Bytes::from_static(b"other"), ..coded(0, true) };
        assert!(parts(200, None).take(other).is_err());
        assert!(Layout::new(FrameRate::new(1, 1).unwrap(), 200, 1).is_err());
    }
}
