//! A chapter track: each sample is a title, shown as long as the chapter lasts.

use std::ops::Range;

use kinora_plan::ProbedChapter;

use super::{
    MAX_CHAPTERS,
    reader::{Fields, Reader},
};

/// Bytes of a title that are read; the plan shortens it further.
const MAX_TITLE: u64 = 2048;
/// Nanoseconds a second.
const SECOND_NS: i128 = 1_000_000_000;

/// The chapters of the track in `movie`, in presentation time (ISO/IEC 14496-12 8.6.6).
pub(super) fn chapters(
    reader: &mut Reader<'_>,
    movie: &Range<u64>,
    track: &Range<u64>,
) -> Option<Vec<ProbedChapter>> {
    let movie_scale = timescale(&reader.body(*b"mvhd", movie.clone())?)?;
    let media = reader.find(*b"mdia", track.clone())?;
    let header = reader.body(*b"mdhd", media.clone())?;
    let (scale, language) = (timescale(&header)?, language(&header));
    let edits = reader.find(*b"edts", track.clone());
    let edits = edits.and_then(|edits| reader.body(*b"elst", edits));
    let (empty, skipped) = edits.map_or((0, 0), |edits| first_edit(&edits));
    let shift_ns = nanos(empty, movie_scale) - nanos(skipped, scale);
    let information = reader.find(*b"minf", media)?;
    let tables = reader.find(*b"stbl", information)?;
    let durations = durations(&reader.body(*b"stts", tables.clone())?);
    let places = places(reader, &tables)?;
    let mut start = 0;
    let mut chapters = Vec::new();
    for ((offset, size), duration) in places.into_iter().zip(durations) {
        let time = |at| u64::try_from((nanos(at, scale) + shift_ns).max(0)).unwrap_or(u64::MAX);
        let (start_ns, end_ns) = (time(start), time(start + i128::from(duration)));
        start += i128::from(duration);
        // What the edit leaves out is no chapter.
        if end_ns > start_ns {
            let sample = reader.bytes(offset, u64::from(size).min(MAX_TITLE));
            let title = sample.as_ref().and_then(title);
            chapters.push(ProbedChapter {
                start_ns,
                end_ns: Some(end_ns),
                title,
                language: language.clone(),
            });
        }
    }
    Some(chapters)
}

fn nanos(units: i128, scale: u32) -> i128 {
    units.saturating_mul(SECOND_NS) / i128::from(scale.max(1))
}

/// Of `mvhd` and `mdhd`, which begin alike.
fn timescale(header: &Fields) -> Option<u32> {
    header.word(if header.is_wide() { 20 } else { 12 }).filter(|scale| *scale > 0)
}

/// ISO 639-2/T, five bits a letter (8.4.2.3); smaller numbers are QuickTime's own.
fn language(header: &Fields) -> Option<String> {
    let packed = header.short(if header.is_wide() { 32 } else { 20 })?;
    let letter = |shift: u16| char::from(b'`' + ((packed >> shift) & 31) as u8);
    let letters = [letter(10), letter(5), letter(0)];
    letters.iter().all(char::is_ascii_lowercase).then(|| letters.iter().collect())
}

/// How long nothing is shown, in the movie's units, and where the media begins, in its own.
fn first_edit(edits: &Fields) -> (i128, i128) {
    let mut empty = 0;
    let (mut at, step) = (8, if edits.is_wide() { 20 } else { 12 });
    for _ in 0..edits.word(4).unwrap_or(0) {
        let edit = match edits.is_wide() {
            true => edits.long(at).zip(edits.long(at + 8)).map(|(a, b)| (a, b.cast_signed())),
            false => {
                let edit = edits.word(at).zip(edits.word(at + 4));
                edit.map(|(a, b)| (u64::from(a), i64::from(b.cast_signed())))
            }
        };
        match edit {
            Some((duration, -1)) => empty += i128::from(duration),
            Some((_, begins)) => return (empty, begins.into()),
            None => break,
        }
        at += step;
    }
    (empty, 0)
}

/// How long each sample lasts (8.6.1.2).
fn durations(table: &Fields) -> Vec<u32> {
    let mut durations = Vec::new();
    let runs = (8..).step_by(8).map_while(|at| table.word(at).zip(table.word(at + 4)));
    for (count, duration) in runs.take(table.word(4).unwrap_or(0) as usize) {
        let left = MAX_CHAPTERS - durations.len();
        durations.extend(std::iter::repeat_n(duration, left.min(count as usize)));
    }
    durations
}

/// Where each sample lies: its offset and size (8.7.3 to 8.7.5).
fn places(reader: &mut Reader<'_>, tables: &Range<u64>) -> Option<Vec<(u64, u32)>> {
    let sizes = reader.body(*b"stsz", tables.clone())?;
    let (equal, count) = (sizes.word(4)?, sizes.word(8)? as usize);
    let size = |index: usize| match (index < count.min(MAX_CHAPTERS), equal) {
        (false, _) => None,
        (true, 0) => sizes.word(12 + 4 * index),
        (true, equal) => Some(equal),
    };
    let runs = reader.body(*b"stsc", tables.clone())?;
    let runs: Vec<_> = (8..)
        .step_by(12)
        .map_while(|at| runs.word(at).zip(runs.word(at + 4)))
        .take(runs.word(4)? as usize)
        .collect();
    let near = reader.body(*b"stco", tables.clone());
    let far = reader.body(*b"co64", tables.clone());
    let chunk = |index: usize| match (&near, &far) {
        (Some(near), _) => near.word(8 + 4 * index).map(u64::from),
        (None, far) => far.as_ref()?.long(8 + 8 * index),
    };
    let mut places = Vec::new();
    // A chunk may be empty: no more of them than samples are looked at.
    for index in 0..MAX_CHAPTERS {
        let Some(mut offset) = chunk(index) else { break };
        let run = runs.partition_point(|(first, _)| *first as usize <= index + 1);
        let samples = run.checked_sub(1).map_or(0, |run| runs[run].1);
        for _ in 0..samples {
            let Some(size) = size(places.len()) else { return Some(places) };
            places.push((offset, size));
            offset = offset.saturating_add(size.into());
        }
    }
    Some(places)
}

/// A length, then UTF-8, or UTF-16 where it says so (QuickTime File Format, "Text sample data").
fn title(sample: &Fields) -> Option<String> {
    let length = usize::from(sample.short(0)?);
    let text = (0..=length).rev().find_map(|length| sample.slice(2, length))?;
    let wide = |text: &[u8], number: fn([u8; 2]) -> u16| {
        let units: Vec<_> = text.chunks_exact(2).map(|unit| number([unit[0], unit[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    Some(match text {
        [0xfe, 0xff, text @ ..] => wide(text, u16::from_be_bytes),
        [0xff, 0xfe, text @ ..] => wide(text, u16::from_le_bytes),
        text => String::from_utf8_lossy(text).into_owned(),
    })
}
