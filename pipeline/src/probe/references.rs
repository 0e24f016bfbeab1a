//! Files that are not what they play, but point to it.
//!
//! Nothing here would follow such a pointer: the child has no network and no other file. But half a
//! film, or none, without a word is no answer, so the pointer is found and named.

use crate::{
    PipelineError,
    source::{Source, boxes::box_header},
};

/// Boxes that are looked at, of all depths: a film of 64 tracks has some 2000 around its tables.
const MAX_BOXES: usize = 20_000;
/// Entries of a `dref` that are looked at.
const MAX_ENTRIES: u32 = 64;
/// Boxes that hold what is looked for.
const FOLDERS: [&[u8; 4]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"edts"];
/// Handlers of tracks that are encoded.
const ENCODED: [&[u8; 4]; 2] = [b"vide", b"soun"];

/// Refuses a file that plays other files: a reference movie (QuickTime `rmra`), or a picture or
/// soundtrack whose media lies elsewhere (ISO/IEC 14496-12 8.7.2, entries without the
/// self-contained flag).
///
/// # Errors
/// With the code `reference`. What cannot be read is no reference: demuxers judge it.
pub(super) fn refuse(source: &Source, container: &str) -> Result<(), PipelineError> {
    if !["video/quicktime", "audio/x-m4a", "application/x-3gp"].contains(&container) {
        return Ok(());
    }
    let mut walk = Walk { source, left: MAX_BOXES, handler: [0; 4] };
    match walk.folder(0, source.size()) {
        Some(found) => Err(refusal(found)),
        None => Ok(()),
    }
}

/// The error of a file that points elsewhere.
pub(super) fn refusal(found: impl std::fmt::Display) -> PipelineError {
    PipelineError::input(
        "reference",
        format!("the file does not hold its picture and sound: {found}; upload those themselves"),
    )
}

struct Walk<'a> {
    source: &'a Source,
    left: usize,
    /// Of the track that is being walked.
    handler: [u8; 4],
}

impl Walk<'_> {
    /// What reference lies in the boxes from `offset` to `end`.
    fn folder(&mut self, mut offset: u64, end: u64) -> Option<&'static str> {
        while offset.saturating_add(8) <= end {
            self.left = self.left.checked_sub(1)?;
            let header = self.source.read(offset, 16).ok()?;
            let (kind, size) = box_header(&header, end - offset)?;
            let large = header.get(..4) == Some(&[0, 0, 0, 1]);
            let body = offset + if large { 16 } else { 8 };
            let next = offset.saturating_add(size);
            let found = match &kind {
                b"rmra" => Some("it is a reference movie"),
                b"hdlr" => {
                    // QuickTime has another for the data, inside `minf`.
                    if self.word(body + 4)? != *b"dhlr" {
                        self.handler = self.word(body + 8)?;
                    }
                    None
                }
                b"dref" if ENCODED.contains(&&self.handler) => self.elsewhere(body, next.min(end)),
                kind if FOLDERS.contains(&kind) => self.folder(body, next.min(end)),
                _ => None,
            };
            if found.is_some() {
                return found;
            }
            offset = next;
        }
        None
    }

    /// Whether an entry of a `dref` box says that media lies in another file.
    fn elsewhere(&self, body: u64, end: u64) -> Option<&'static str> {
        let entries = u32::from_be_bytes(self.word(body + 4)?).min(MAX_ENTRIES);
        let mut offset = body + 8;
        for _ in 0..entries {
            if offset.saturating_add(12) > end {
                return None;
            }
            let size = u64::from(u32::from_be_bytes(self.word(offset)?));
            let [_, _, _, flags] = self.word(offset + 8)?;
            if flags & 1 == 0 {
                return Some("its tracks lie in another file or at an address");
            }
            offset = offset.saturating_add(size.max(12));
        }
        None
    }

    fn word(&self, offset: u64) -> Option<[u8; 4]> {
        self.source.read(offset, 4).ok()?.as_ref().try_into().ok()
    }
}
