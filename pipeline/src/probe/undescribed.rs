//! Tracks of an MP4 that nobody can decode because nothing says how, or that the demuxer leaves
//! out for another reason.
//!
//! It complains about such a track or leaves it out in silence, as threads happen to run; what it
//! does not show must still be said.

use kinora_plan::Warning;

use super::collect::Stream;
use crate::source::{Source, boxes::box_header};

/// Boxes that are looked at, of all depths.
const MAX_BOXES: usize = 20_000;
/// The way from the file to what describes a track (ISO/IEC 14496-12 6.2.3).
const FOLDERS: [&[u8; 4]; 5] = [b"moov", b"trak", b"mdia", b"minf", b"stbl"];
/// Handlers of tracks that nobody misses in a picture (registered ones, QuickTime's, GoPro's).
const OTHERS: [&[u8; 4]; 21] = [
    b"text", b"subt", b"sbtl", b"subp", b"clcp", b"meta", b"tmcd", b"hint", b"auxv", b"pict",
    b"odsm", b"sdsm", b"ocsm", b"mjsm", b"mp7t", b"musi", b"sprt", b"twen", b"strm", b"fdsc",
    b"priv",
];

/// A warning for each picture or soundtrack without a sample description (14496-12 8.5.2), for
/// those that have one but are not among `streams`, for tracks of no known kind, and for those whose
/// clock has no unit (8.4.2).
pub(super) fn warnings(source: &Source, container: &str, streams: &[Stream]) -> Vec<Warning> {
    if !["video/quicktime", "audio/x-m4a", "application/x-3gp"].contains(&container) {
        return Vec::new();
    }
    let mut walk = Walk { source, left: MAX_BOXES, track: Track::default(), found: Vec::new() };
    walk.folder(0, source.size());
    let undescribed = walk.found.iter().filter_map(|track| {
        let (what, unsaid) = match &track.handler {
            b"soun" if !track.described => ("A soundtrack", "how it is coded"),
            b"vide" if !track.described => ("A picture", "how it is coded"),
            b"soun" | b"vide" => return None,
            handler if OTHERS.contains(&handler) => return None,
            // That is damaged itself, or what comes before it cannot be walked.
            _ => ("A track", "what it is"),
        };
        let message =
            format!("{what} is damaged and was left out: the file does not say {unsaid}.");
        Some(Warning { code: "track_undescribed".to_owned(), message })
    });
    let left_out = [(b"vide", "picture", ["video/", "image/"]), (b"soun", "sound", ["audio/"; 2])];
    let left_out = left_out.into_iter().filter_map(|(handler, what, types)| {
        let described = |track: &&Track| track.described && track.handler == *handler;
        let there = walk.found.iter().filter(described).count();
        let of_kind = |stream: &&Stream| types.iter().any(|kind| stream.codec().starts_with(kind));
        let shown = streams.iter().filter(of_kind).count();
        let message = format!(
            "{} of {there} {what} tracks cannot be read and were left out: they are empty or \
             damaged.",
            there.saturating_sub(shown)
        );
        (there > shown).then(|| Warning { code: "track_left_out".to_owned(), message })
    });
    let timeless = walk.found.iter().filter(|track| track.timeless).filter_map(|track| {
        let what = match &track.handler {
            b"soun" => "a soundtrack",
            b"vide" => "the picture",
            _ => return None,
        };
        let message = format!(
            "The clock of {what} is damaged: the file does not say how long its ticks are. Some of \
             it may be lost, or come at another time."
        );
        Some(Warning { code: "clock_without_unit".to_owned(), message })
    });
    undescribed.chain(left_out).chain(timeless).collect()
}

struct Walk<'a> {
    source: &'a Source,
    left: usize,
    /// The track that is being walked.
    track: Track,
    /// Tracks that were walked.
    found: Vec<Track>,
}

#[derive(Default)]
struct Track {
    handler: [u8; 4],
    described: bool,
    /// Its times have no unit: demuxers guess one.
    timeless: bool,
}

impl Walk<'_> {
    /// Looks at the boxes from `offset` to `end`; `None` when there is no use in going on.
    fn folder(&mut self, mut offset: u64, end: u64) -> Option<()> {
        while offset.saturating_add(8) <= end {
            self.left = self.left.checked_sub(1)?;
            let header = self.source.read(offset, 16).ok()?;
            let (kind, size) = box_header(&header, end - offset)?;
            let large = header.get(..4) == Some(&[0, 0, 0, 1]);
            let body = offset + if large { 16 } else { 8 };
            let next = offset.saturating_add(size).min(end);
            match &kind {
                b"trak" => {
                    self.track = Track::default();
                    // A track that cannot be walked to its end is not described either.
                    let _ = self.folder(body, next);
                    self.found.push(std::mem::take(&mut self.track));
                }
                // QuickTime has another for the data, inside `minf`.
                b"hdlr" if self.word(body + 4)? != *b"dhlr" => {
                    self.track.handler = self.word(body + 8)?;
                }
                // The timescale comes after two times, whose length the version says (8.4.2).
                b"mdhd" => {
                    let wide = self.word(body)?[0] == 1;
                    let timescale = self.word(body + if wide { 20 } else { 12 })?;
                    self.track.timeless = timescale == [0; 4];
                }
                b"stsd" => self.track.described = self.word(body + 4)? != [0; 4],
                kind if FOLDERS.contains(&kind) => self.folder(body, next)?,
                // Whatever it is called, a box that begins with a track's header is a track.
                _ if self.word(body + 4)? == *b"tkhd" => self.found.push(Track::default()),
                _ => {}
            }
            offset = offset.saturating_add(size);
        }
        Some(())
    }

    fn word(&self, offset: u64) -> Option<[u8; 4]> {
        self.source.read(offset, 4).ok()?.as_ref().try_into().ok()
    }
}
