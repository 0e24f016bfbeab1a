//! Embedded subtitles and chapters: what is kept of them.

use std::collections::BTreeSet;

use kinora_media::{Chapter, TrackId};
use serde::{Deserialize, Serialize};

use crate::{ProbeReport, SubtitleStream, Warning, language};

/// Media types of subtitles that are text, or how they begin.
const TEXT: [&str; 5] = [
    "text/",
    "application/x-ssa",
    "application/x-ass",
    "application/x-subtitle",
    "closedcaption/x-cea-608",
];
/// What people call subtitles that are pictures or another system's codes, by media type.
const NOT_TEXT: [(&str, &str); 6] = [
    ("subpicture/x-pgs", "PGS (Blu-ray)"),
    ("subpicture/x-dvd", "VobSub (DVD)"),
    ("subpicture/x-dvb", "DVB"),
    ("subpicture/x-xsub", "XSUB (DivX)"),
    ("subpicture/x-kate", "Kate"),
    ("closedcaption/x-cea-708", "CEA-708"),
];
/// Text tracks made of one source, at most.
const MAX_TEXTS: usize = 32;
/// Chapters kept, at most.
const MAX_CHAPTERS: usize = 1000;
/// Characters of a chapter's title, at most.
const TITLE_CHARS: usize = 200;
/// Sources up to this size are read for their subtitles before the first publish, so that every
/// player sees them: reading takes a second or two.
const READ_FIRST_BYTES: u64 = 256 << 20;

/// An embedded stream of text that becomes a text track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPlan {
    /// Its track: `s-en`, `s-en-2`.
    pub track: TrackId,
    /// GStreamer's stream id.
    pub stream_id: String,
    /// BCP 47 tag, `und` if unknown.
    pub language: String,
    /// What a player's menu shows.
    pub name: String,
}

/// The text tracks of a source, in container order, and what is said of streams that give none.
pub(crate) fn texts(report: &ProbeReport) -> (Vec<TextPlan>, Vec<Warning>) {
    let (mut texts, mut warnings, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    for stream in &report.subtitles {
        let language = language::tag(stream.language.as_deref());
        if !TEXT.iter().any(|kind| stream.codec.starts_with(kind)) {
            warnings.push(not_text(stream, &language));
        } else if texts.len() < MAX_TEXTS {
            texts.push(TextPlan {
                track: track(&language, &mut ids),
                stream_id: stream.stream_id.clone(),
                name: language::menu_name_or(stream.title.as_deref(), &language, "Subtitles"),
                language,
            });
        } else {
            let message = format!("Only the first {MAX_TEXTS} subtitles were kept.");
            warnings.push(Warning { code: "subtitles_left_out".to_owned(), message });
            break;
        }
    }
    (texts, warnings)
}

/// Whether the source is read for its text before anything is published.
pub(crate) fn texts_first(report: &ProbeReport) -> bool {
    report.size <= READ_FIRST_BYTES
}

fn track(language: &str, taken: &mut BTreeSet<TrackId>) -> TrackId {
    let names = std::iter::once(format!("s-{language}"))
        .chain((2..).map(|number| format!("s-{language}-{number}")));
    let mut ids = names.filter_map(|name| TrackId::new(name).ok());
    ids.find(|id| taken.insert(id.clone())).expect("a tag is short, and few numbers are taken")
}

fn not_text(stream: &SubtitleStream, language: &str) -> Warning {
    let known = NOT_TEXT.iter().find(|(codec, _)| stream.codec == *codec);
    let format = known.map_or(&*stream.codec, |(_, name)| name);
    let of = match language {
        "und" => String::new(),
        tag => format!(" in {}", language::menu_name(None, tag)),
    };
    // What is not text at all, by its type or by its nature.
    let pictures = stream.codec.starts_with("subpicture/");
    let (code, what) = match pictures {
        true => ("bitmap_subtitles", "are pictures, which were not converted to text"),
        false => ("subtitles_not_converted", "are of a kind that is not converted"),
    };
    let message = format!("The {format} subtitles{of} {what}; add a caption file to have them.");
    Warning { code: code.to_owned(), message }
}

/// The chapters inside the presentation, in order, each up to the next one at most.
pub(crate) fn chapters(report: &ProbeReport, origin_ns: u64, duration_us: u64) -> Vec<Chapter> {
    let time = |ns: u64| (ns.saturating_sub(origin_ns) / 1000).min(duration_us);
    let mut chapters: Vec<_> = report
        .chapters
        .iter()
        .map(|chapter| Chapter {
            start_us: time(chapter.start_ns),
            end_us: chapter.end_ns.map_or(duration_us, time),
            title: title(chapter.title.as_deref()),
            language: Some(language::tag(chapter.language.as_deref())).filter(|tag| tag != "und"),
        })
        .collect();
    chapters.sort_by_key(|chapter| chapter.start_us);
    // Editions repeat chapters.
    chapters.dedup_by_key(|chapter| chapter.start_us);
    let starts: Vec<u64> = chapters.iter().skip(1).map(|chapter| chapter.start_us).collect();
    for (number, chapter) in chapters.iter_mut().enumerate() {
        let next = starts.get(number).copied().unwrap_or(duration_us);
        // One that says no end, or an impossible one, lasts to the next.
        if chapter.end_us <= chapter.start_us || chapter.end_us > next {
            chapter.end_us = next;
        }
        if chapter.title.is_empty() {
            chapter.title = format!("Chapter {}", number + 1);
        }
    }
    chapters.retain(|chapter| chapter.start_us < chapter.end_us);
    chapters.truncate(MAX_CHAPTERS);
    chapters
}

fn title(text: Option<&str>) -> String {
    let shown = text.unwrap_or_default().trim().chars().filter(|c| !c.is_control());
    shown.take(TITLE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ProbedChapter,
        testing::{SECOND, report},
    };

    fn stream(codec: &str, language: Option<&str>, title: Option<&str>) -> SubtitleStream {
        SubtitleStream {
            stream_id: "abc/003".into(),
            codec: codec.into(),
            language: language.map(str::to_owned),
            title: title.map(str::to_owned),
        }
    }

    #[test]
    fn text_becomes_tracks_and_pictures_are_named() {
        let mut source = report(None, vec![]);
        source.subtitles = vec![
            stream("text/x-raw", Some("eng"), None),
            stream("application/x-ass", Some("eng"), Some("Signs")),
            stream("subpicture/x-pgs", Some("ger"), None),
            stream("closedcaption/x-cea-708", None, None),
            stream("text/x-raw", None, None),
            stream("closedcaption/x-cea-608", None, Some("CC1")),
        ];
        let (texts, warnings) = texts(&source);
        let tracks: Vec<_> =
            texts.iter().map(|text| (text.track.as_str(), &*text.language, &*text.name)).collect();
        assert_eq!(
            tracks,
            [
                ("s-en", "en", "English"),
                ("s-en-2", "en", "Signs"),
                ("s-und", "und", "Subtitles"),
                ("s-und-2", "und", "CC1"),
            ]
        );
        let said: Vec<_> = warnings.iter().map(|w| (&*w.code, &*w.message)).collect();
        assert_eq!(
            said,
            [
                (
                    "bitmap_subtitles",
                    "The PGS (Blu-ray) subtitles in Deutsch are pictures, which were not \
                     converted to text; add a caption file to have them."
                ),
                (
                    "subtitles_not_converted",
                    "The CEA-708 subtitles are of a kind that is not converted; add a caption \
                     file to have them."
                ),
            ]
        );
    }

    #[test]
    fn chapters_follow_each_other_inside_the_film() {
        let chapter = |start_s: u64, end_s: Option<u64>, title: &str| ProbedChapter {
            start_ns: start_s * SECOND,
            end_ns: end_s.map(|s| s * SECOND),
            title: Some(title.into()),
            language: Some("ger".into()),
        };
        let mut source = report(None, vec![]);
        source.chapters = vec![
            chapter(6, Some(9), " Zwei\n"),
            chapter(1, None, "Eins"),
            chapter(1, None, "again"),
            chapter(9, Some(99), ""),
            chapter(50, None, "after the end"),
        ];
        let found = chapters(&source, SECOND, 10_000_000);
        let times: Vec<_> =
            found.iter().map(|c| (c.start_us / 1000, c.end_us / 1000, &*c.title)).collect();
        assert_eq!(times, [(0, 5000, "Eins"), (5000, 8000, "Zwei"), (8000, 10_000, "Chapter 3")]);
        assert_eq!(found[0].language.as_deref(), Some("de"));
    }
}
