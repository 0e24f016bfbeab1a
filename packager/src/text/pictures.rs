//! WebVTT that is made, not read: a storyboard's tiles, and chapters.

use std::fmt::Write;

use kinora_media::{Chapter, Storyboard, ticks::MICROS};

use super::{Cue, WebVtt, markup::escape};

const MILLI_US: u64 = MICROS / 1000;

/// A storyboard as thumbnails: each cue names the part of a sheet to show for its time, as a
/// spatial media fragment (W3C Media Fragments 4.2.2). Sheets are named relative to the file:
/// `storyboard/{n}.jpg`, `n` counting from 0.
pub fn thumbnails(storyboard: &Storyboard, duration_us: u64) -> String {
    let Storyboard { tile_width, tile_height, columns, interval_us, tiles, .. } = storyboard;
    let a_sheet = storyboard.tiles_a_sheet().max(1);
    let mut text = WebVtt::default().to_string();
    for tile in 0..*tiles {
        let start_us = u64::from(tile).saturating_mul(*interval_us);
        // The last one is shown to the end.
        let end_us = if tile + 1 == *tiles { duration_us } else { start_us + interval_us };
        let (sheet, place) = (tile / a_sheet, tile % a_sheet);
        let (x, y) = (place % columns * tile_width, place / columns * tile_height);
        let cue = Cue {
            id: None,
            start_ms: start_us / MILLI_US,
            end_ms: end_us.max(start_us + MILLI_US) / MILLI_US,
            settings: String::new(),
            text: format!("storyboard/{sheet}.jpg#xywh={x},{y},{tile_width},{tile_height}"),
        };
        write!(text, "\n{cue}").expect("a String takes any text");
    }
    text
}

/// Chapters as a WebVTT file for `<track kind="chapters">`.
pub fn chapters(chapters: &[Chapter]) -> String {
    let cue = |chapter: &Chapter| Cue {
        id: None,
        start_ms: chapter.start_us / MILLI_US,
        end_ms: chapter.end_us.div_ceil(MILLI_US),
        settings: String::new(),
        text: escape(&chapter.title),
    };
    WebVtt { cues: chapters.iter().map(cue).collect(), ..WebVtt::default() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::parse;

    fn storyboard(tiles: u32) -> Storyboard {
        Storyboard {
            tile_width: 160,
            tile_height: 90,
            columns: 2,
            rows: 2,
            interval_us: 2_000_000,
            tiles,
            sheets: Vec::new(),
        }
    }

    #[test]
    fn tiles_run_over_sheets_row_by_row() {
        let text = thumbnails(&storyboard(6), 11_500_000);
        let cues = parse(text.as_bytes(), None).unwrap().cues;
        let places: Vec<_> =
            cues.iter().map(|cue| (cue.start_ms, cue.end_ms, &*cue.text)).collect();
        assert_eq!(
            places,
            [
                (0, 2000, "storyboard/0.jpg#xywh=0,0,160,90"),
                (2000, 4000, "storyboard/0.jpg#xywh=160,0,160,90"),
                (4000, 6000, "storyboard/0.jpg#xywh=0,90,160,90"),
                (6000, 8000, "storyboard/0.jpg#xywh=160,90,160,90"),
                (8000, 10_000, "storyboard/1.jpg#xywh=0,0,160,90"),
                (10_000, 11_500, "storyboard/1.jpg#xywh=160,0,160,90"),
            ]
        );
    }

    #[test]
    fn chapter_names_are_text() {
        let chapter = |start_us, end_us, title: &str| Chapter {
            start_us,
            end_us,
            title: title.into(),
            language: None,
        };
        let text = chapters(&[
            chapter(0, 1_999_000, "Tom & <Jerry>"),
            chapter(2_000_000, 5_000_000, "--> b"),
        ]);
        insta::assert_snapshot!(text, @r"
        WEBVTT

        00:00:00.000 --> 00:00:01.999
        Tom &amp; &lt;Jerry&gt;

        00:00:02.000 --> 00:00:05.000
        --&gt; b
        ");
        assert_eq!(parse(text.as_bytes(), None).unwrap().cue_count(), 2);
    }
}
