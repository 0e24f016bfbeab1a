//! Captions in segments (RFC 8216bis 3.1.4): each is a whole WebVTT file with the styles and
//! regions of all, and the cues that are shown in its time.
//!
//! All of them, used in the segment or not: a player may begin with any segment, and which cues a style
//! selects only an engine of CSS can tell (by class, voice, language, place among others).

use std::fmt::Write;

use super::WebVtt;

/// Where the cues' times stand on the media's timeline: equal, because presentation times of ours
/// begin at 0.
const TIMESTAMP_MAP: &str = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n";

impl WebVtt {
    /// The captions in segments of `segment_us`, the last up to `end_us`: at least one.
    ///
    /// Cues keep the times they have on the whole timeline, and one that is shown over the end of
    /// a segment stands in the next again, unchanged: players show it once.
    pub fn segments(&self, segment_us: u64, end_us: u64) -> Segments<'_> {
        let segment_us = segment_us.max(1);
        Segments { text: self, segment_us, count: end_us.div_ceil(segment_us).max(1), number: 0 }
    }
}

/// Segments of captions, in order; each is a file.
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    text: &'a WebVtt,
    segment_us: u64,
    count: u64,
    number: u64,
}

impl Segments<'_> {
    /// Segment `number`, counted from 0.
    pub fn segment(&self, number: u64) -> String {
        let start_us = number.saturating_mul(self.segment_us);
        // What comes after the end is shown to those who wait for it.
        let is_last = number.saturating_add(1) >= self.count;
        let end_us = if is_last { u64::MAX } else { start_us.saturating_add(self.segment_us) };
        let WebVtt { styles, regions, cues } = self.text;
        let head = WebVtt { styles: styles.clone(), regions: regions.clone(), cues: Vec::new() };
        let mut text = head.to_string();
        text.insert_str("WEBVTT\n".len(), TIMESTAMP_MAP);
        // Cues are in order of their start, so those behind the segment need not be looked at.
        let end = cues.partition_point(|cue| cue.start_ms.saturating_mul(1000) < end_us);
        for cue in &cues[..end] {
            if cue.end_ms.saturating_mul(1000) > start_us {
                write!(text, "\n{cue}").expect("a String takes any text");
            }
        }
        text
    }
}

impl Iterator for Segments<'_> {
    type Item = String;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.number;
        (number < self.count).then(|| {
            self.number += 1;
            self.segment(number)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.count - self.number).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

#[cfg(test)]
mod tests {
    use crate::text::parse;

    const FILE: &str = "WEBVTT\n\nSTYLE\n::cue { color: lime }\n\nREGION\nid:top\n\n\
        one\n00:01.000 --> 00:07.000 region:top\n<i>Long</i>\n\n\
        00:06.000 --> 00:08.000 line:0\nShort\n\n00:09.500 --> 00:20.000\nPast the end\n";

    #[test]
    fn cues_stand_in_every_segment_of_their_time() {
        let text = parse(FILE.as_bytes(), None).unwrap();
        let segments: Vec<_> = text.segments(4_000_000, 10_000_000).collect();
        insta::assert_snapshot!(segments.join("\n== next\n"), @r"
        WEBVTT
        X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000

        STYLE
        ::cue { color: lime }

        REGION
        id:top

        one
        00:00:01.000 --> 00:00:07.000 region:top
        <i>Long</i>

        == next
        WEBVTT
        X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000

        STYLE
        ::cue { color: lime }

        REGION
        id:top

        one
        00:00:01.000 --> 00:00:07.000 region:top
        <i>Long</i>

        00:00:06.000 --> 00:00:08.000 line:0
        Short

        == next
        WEBVTT
        X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000

        STYLE
        ::cue { color: lime }

        REGION
        id:top

        00:00:09.500 --> 00:00:20.000
        Past the end
        ");
    }

    #[test]
    fn segments_are_captions_and_lose_nothing() {
        let text = parse(FILE.as_bytes(), None).unwrap();
        let mut found = Vec::new();
        for segment in text.segments(700_000, 10_000_000) {
            match parse(segment.as_bytes(), None) {
                Ok(segment) => {
                    assert_eq!((&segment.styles, &segment.regions), (&text.styles, &text.regions));
                    found.extend(segment.cues);
                }
                Err(error) => assert_eq!(error, crate::text::TextError::NoCues),
            }
        }
        found.dedup();
        found.sort_by_key(|cue| cue.start_ms);
        found.dedup();
        assert_eq!(found, text.cues);
        assert_eq!(text.segments(0, 0).count(), 1);
    }
}
