//! Nero's chapters: a list in the movie's user data.

use std::ops::Range;

use kinora_plan::ProbedChapter;

use super::reader::Reader;

/// Its times count hundreds of nanoseconds.
const UNIT_NS: u64 = 100;

/// Version and flags, in version 1 four bytes more, how many, then for each its start and a title
/// that begins with its length.
pub(super) fn chapters(reader: &mut Reader<'_>, movie: &Range<u64>) -> Option<Vec<ProbedChapter>> {
    let user = reader.find(*b"udta", movie.clone())?;
    let list = reader.body(*b"chpl", user)?;
    let mut at = if list.byte(0)? == 0 { 4 } else { 8 };
    let count = list.byte(at)?;
    at += 1;
    let mut chapters = Vec::new();
    for _ in 0..count {
        let Some((start, length)) = list.long(at).zip(list.byte(at + 8)) else { break };
        let Some(title) = list.slice(at + 9, length.into()) else { break };
        chapters.push(ProbedChapter {
            start_ns: start.saturating_mul(UNIT_NS),
            end_ns: None,
            title: Some(String::from_utf8_lossy(title).into_owned()),
            language: None,
        });
        at += 9 + usize::from(length);
    }
    Some(chapters)
}
