//! The text of a live playlist.

use kinora_media::ticks::MICROS;

use super::{
    Hint, HintKind, LISTED_TARGETS, LivePlaylist, Opening, Part, Report, Resource, Settings,
    model::{ByteRange, Segment},
};
use crate::{
    hls::{
        attributes::Attributes,
        media::{self, Seconds, line},
        menu::yes_no,
    },
    time::date_time,
};

/// EXT-X-SKIP needs 9 (8). The whole playlist says the same, because versions do not change.
const VERSION: u32 = 9;
/// CAN-SKIP-UNTIL is at least six target durations (4.4.3.8).
const SKIP_TARGETS: u64 = 6;
/// PART-HOLD-BACK should be at least three part targets (4.4.3.8).
const HELD_PARTS: u64 = 3;

/// How much of a playlist is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// All of it.
    Whole,
    /// Without the segments that a client with a recent playlist knows (`_HLS_skip=YES`, 4.4.5.2).
    Delta,
}

impl LivePlaylist {
    /// Writes it. `reports` are of the other renditions of the stream.
    ///
    /// A delta is the whole playlist where nothing can be left out, and where it has ended.
    pub fn write(&self, form: Form, reports: &[Report]) -> String {
        let skipped = if form == Form::Delta && !self.ended { self.skippable() } else { 0 };
        let mut text = self.head();
        text.reserve((self.segments.len() - skipped) * 160);
        if skipped > 0 {
            line(&mut text, format_args!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}"));
        }
        if self.segments.range(skipped..).any(|it| it.opening.date_time_us.is_some()) {
            self.date_ranges.iter().for_each(|range| text.push_str(&range.line()));
        }
        let listed_from = self.end().saturating_sub(self.settings.targets(LISTED_TARGETS));
        // What was skipped said it too, but to others: after a skip it is said again.
        let mut map: Option<&Resource> = None;
        for segment in self.segments.range(skipped..) {
            map = opening(&mut text, &segment.opening, map);
            if segment.start >= listed_from {
                self.parts(&mut text, segment.start, &segment.parts);
            }
            self.segment(&mut text, segment);
        }
        if let Some(open) = self.open.as_ref().filter(|open| !open.parts.is_empty()) {
            opening(&mut text, &open.opening, map);
            self.parts(&mut text, open.start, &open.parts);
        }
        if self.ended {
            text.push_str("#EXT-X-ENDLIST\n");
            return text;
        }
        self.hint.iter().for_each(|it| hint(&mut text, it));
        reports.iter().for_each(|it| report(&mut text, it));
        text
    }

    /// Segments that lie wholly before the skip boundary.
    fn skippable(&self) -> usize {
        let end = self.end();
        let boundary = self.settings.targets(SKIP_TARGETS);
        self.segments.partition_point(|it| end.saturating_sub(it.end()) >= boundary)
    }

    fn head(&self) -> String {
        let target = self.settings.target_duration_s;
        let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n");
        for (name, value) in &self.variables {
            let mut list = Attributes::default();
            list.quoted("NAME", name).quoted("VALUE", value);
            text.push_str(&list.line("EXT-X-DEFINE"));
        }
        line(&mut text, format_args!("#EXT-X-TARGETDURATION:{target}"));
        text.push_str(&self.settings.server_control());
        if let Some(part) = self.settings.part_target_us() {
            line(&mut text, format_args!("#EXT-X-PART-INF:PART-TARGET={}", Seconds(part)));
        }
        line(&mut text, format_args!("#EXT-X-MEDIA-SEQUENCE:{}", self.first));
        if self.discontinuities > 0 {
            let count = self.discontinuities;
            line(&mut text, format_args!("#EXT-X-DISCONTINUITY-SEQUENCE:{count}"));
        }
        if self.settings.independent {
            text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        text
    }

    fn segment(&self, text: &mut String, segment: &Segment) {
        if segment.gap {
            text.push_str("#EXT-X-GAP\n");
        }
        let Segment { start, duration, resource, .. } = segment;
        media::duration(text, media::duration_us(self.settings.timescale, *start, *duration));
        if let Some(range) = resource.range {
            line(text, format_args!("#EXT-X-BYTERANGE:{}", written(range)));
        }
        line(text, format_args!("{}", resource.uri));
    }

    fn parts(&self, text: &mut String, mut start: u64, parts: &[Part]) {
        for part in parts {
            let micros = media::duration_us(self.settings.timescale, start, part.duration);
            start = start.saturating_add(part.duration);
            let mut list = Attributes::default();
            list.plain("DURATION", Seconds(micros));
            resource(&mut list, &part.resource);
            if part.independent {
                list.plain("INDEPENDENT", "YES");
            }
            if part.gap {
                list.plain("GAP", "YES");
            }
            text.push_str(&list.line("EXT-X-PART"));
        }
    }
}

impl Settings {
    /// Rounded up, so that no part's rounded duration is above it.
    fn part_target_us(&self) -> Option<u64> {
        let micros = u128::from(self.part_target?) * u128::from(MICROS);
        u64::try_from(micros.div_ceil(u128::from(self.timescale))).ok()
    }

    /// What the server can do, and how far from the end players stay (4.4.3.8).
    fn server_control(&self) -> String {
        let target_us = u64::from(self.target_duration_s) * MICROS;
        let mut list = Attributes::default();
        list.plain("CAN-BLOCK-RELOAD", yes_no(true))
            .plain("CAN-SKIP-UNTIL", Seconds(SKIP_TARGETS * target_us))
            .plain("HOLD-BACK", Seconds(LISTED_TARGETS * target_us));
        if let Some(part) = self.part_target_us() {
            list.plain("PART-HOLD-BACK", Seconds(HELD_PARTS * part));
        }
        list.line("EXT-X-SERVER-CONTROL")
    }
}

/// What stands before a segment and its parts; returns the initialisation segment now in force.
fn opening<'a>(
    text: &mut String,
    opening: &'a Opening,
    before: Option<&Resource>,
) -> Option<&'a Resource> {
    if opening.discontinuity {
        text.push_str("#EXT-X-DISCONTINUITY\n");
    }
    if before != Some(&*opening.map) {
        let mut list = Attributes::default();
        resource(&mut list, &opening.map);
        text.push_str(&list.line("EXT-X-MAP"));
    }
    if let Some(time) = opening.date_time_us {
        line(text, format_args!("#EXT-X-PROGRAM-DATE-TIME:{}", date_time(time)));
    }
    Some(&opening.map)
}

fn resource(list: &mut Attributes, resource: &Resource) {
    list.quoted("URI", &resource.uri);
    if let Some(range) = resource.range {
        list.quoted("BYTERANGE", &written(range));
    }
}

fn written(range: ByteRange) -> String {
    format!("{}@{}", range.length, range.offset)
}

fn hint(text: &mut String, hint: &Hint) {
    let mut list = Attributes::default();
    let kind = match hint.kind {
        HintKind::Part => "PART",
        HintKind::Map => "MAP",
    };
    list.plain("TYPE", kind).quoted("URI", &hint.uri);
    if hint.offset > 0 {
        list.plain("BYTERANGE-START", hint.offset);
    }
    if let Some(length) = hint.length {
        list.plain("BYTERANGE-LENGTH", length);
    }
    text.push_str(&list.line("EXT-X-PRELOAD-HINT"));
}

fn report(text: &mut String, report: &Report) {
    let mut list = Attributes::default();
    list.quoted("URI", &report.uri).plain("LAST-MSN", report.position.segment);
    if let Some(part) = report.position.part {
        list.plain("LAST-PART", part);
    }
    text.push_str(&list.line("EXT-X-RENDITION-REPORT"));
}
