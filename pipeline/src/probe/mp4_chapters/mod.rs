//! Chapters of an MP4, of which GStreamer 1.22 says nothing: those of a chapter track (QuickTime
//! File Format, "Chapter lists"), else Nero's (`chpl`, which has no public specification; ffmpeg and
//! most authoring tools write it).
//!
//! A bounded walk over boxes. What is damaged has no chapters: the film is judged elsewhere.

mod nero;
mod reader;
mod track;

use std::ops::Range;

use kinora_plan::ProbedChapter;

use self::reader::Reader;
use super::chapters::MAX_CHAPTERS;
use crate::source::Source;

/// Tracks that are looked at.
const MAX_TRACKS: usize = 256;
/// Handlers of tracks whose samples are titles; chapters may have a track of pictures besides.
const TITLES: [[u8; 4]; 3] = [*b"text", *b"sbtl", *b"subt"];

/// The chapters in presentation time, in the file's order.
pub(super) fn list(source: &Source, container: &str) -> Vec<ProbedChapter> {
    if !["video/quicktime", "audio/x-m4a", "application/x-3gp"].contains(&container) {
        return Vec::new();
    }
    let mut reader = Reader::new(source);
    let Some(movie) = reader.find(*b"moov", 0..source.size()) else { return Vec::new() };
    let of_track = chapter_track(&mut reader, &movie)
        .and_then(|track| track::chapters(&mut reader, &movie, &track))
        .unwrap_or_default();
    match of_track.is_empty() {
        true => nero::chapters(&mut reader, &movie).unwrap_or_default(),
        false => of_track,
    }
}

/// The track of titles that another track names as its chapters.
fn chapter_track(reader: &mut Reader<'_>, movie: &Range<u64>) -> Option<Range<u64>> {
    let (mut titles, mut named, mut at) = (Vec::new(), Vec::new(), movie.start);
    for _ in 0..MAX_TRACKS {
        let Some((whole, track)) = reader.find_whole(*b"trak", at..movie.end) else { break };
        at = whole.end;
        let media = reader.find(*b"mdia", track.clone());
        let handler = media.and_then(|media| reader.body(*b"hdlr", media)?.word(8));
        if handler.is_some_and(|handler| TITLES.contains(&handler.to_be_bytes())) {
            let header = reader.body(*b"tkhd", track.clone());
            let id = header.and_then(|header| header.word(if header.is_wide() { 20 } else { 12 }));
            titles.push((id, track.clone()));
        }
        let references = reader.find(*b"tref", track);
        if let Some(chapters) = references.and_then(|found| reader.body(*b"chap", found)) {
            named.extend((0..MAX_TRACKS).map_while(|index| chapters.word(4 * index)));
        }
    }
    let is_named = |id: Option<u32>| id.is_some_and(|id| named.contains(&id));
    titles.into_iter().find(|(id, _)| is_named(*id)).map(|(_, track)| track)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn boxed(kind: &[u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
        let body = parts.concat();
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, &body].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn track(id: u32, handler: &[u8; 4], more: &[Vec<u8>], tables: &[Vec<u8>]) -> Vec<u8> {
        let words = |all: &[u32]| vec![words(all)];
        let handler = [&[0; 8][..], handler, &[0; 12]].concat();
        let media = boxed(
            b"mdia",
            &[
                // 600 units a second; German.
                boxed(b"mdhd", &words(&[0, 0, 0, 600, 0, 0x10b2_0000])),
                boxed(b"hdlr", &[handler]),
                boxed(b"minf", &[boxed(b"stbl", tables)]),
            ],
        );
        let header = boxed(b"tkhd", &words(&[0, 0, 0, id, 0, 0]));
        boxed(b"trak", &[&[header][..], more, &[media]].concat())
    }

    /// Two titles of 1 s and 2 s, shown from 0.5 s on; the media begins at the first byte.
    fn film(chapters: u32) -> Vec<u8> {
        let mdat = boxed(b"mdat", &[b"\0\x05First\0\x08\xfe\xff\0\xdc\0b\0r".to_vec()]);
        let tables = [
            boxed(b"stts", &[words(&[0, 2, 1, 600, 1, 1200])]),
            boxed(b"stsz", &[words(&[0, 0, 2, 7, 10])]),
            boxed(b"stsc", &[words(&[0, 1, 1, 2, 1])]),
            boxed(b"stco", &[words(&[0, 1, 8])]),
        ];
        let edits = boxed(
            b"edts",
            &[boxed(b"elst", &[words(&[0, 2, 500, u32::MAX, 1 << 16, 3000, 0, 1 << 16])])],
        );
        let names = boxed(b"tref", &[boxed(b"chap", &[words(&[chapters])])]);
        let movie = boxed(
            b"moov",
            &[
                boxed(b"mvhd", &[words(&[0, 0, 0, 1000, 3500])]),
                track(1, b"vide", &[names], &[]),
                track(2, b"text", &[edits], &tables),
                boxed(
                    b"udta",
                    &[boxed(
                        b"chpl",
                        &[
                            vec![1, 0, 0, 0, 0, 0, 0, 0, 1],
                            20_000_000_u64.to_be_bytes().to_vec(),
                            b"\x04Nero".to_vec(),
                        ],
                    )],
                ),
            ],
        );
        [mdat, movie].concat()
    }

    fn listed(file: &[u8]) -> Vec<(u64, Option<u64>, String)> {
        let mut on_disk = tempfile::NamedTempFile::new().unwrap();
        on_disk.write_all(file).unwrap();
        let chapters = list(&Source::file(on_disk.path()).unwrap(), "video/quicktime");
        let named = |one: ProbedChapter| (one.start_ns, one.end_ns, one.title.unwrap_or_default());
        chapters.into_iter().map(named).collect()
    }

    #[test]
    fn a_chapter_track_is_read_in_presentation_time() {
        let half = 500_000_000;
        let first = (half, Some(3 * half), "First".to_owned());
        assert_eq!(listed(&film(2)), [first, (3 * half, Some(7 * half), "Übr".to_owned())]);
    }

    #[test]
    fn without_a_chapter_track_neros_count() {
        let nero = (2_000_000_000, None, "Nero".to_owned());
        // Of no track, and of one that holds no titles.
        for named in [3, 1] {
            assert_eq!(listed(&film(named)), std::slice::from_ref(&nero));
        }
    }

    #[test]
    fn damage_never_panics() {
        let film = film(2);
        for length in 0..film.len() {
            listed(&film[..length]);
        }
        for place in 0..film.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = film.clone();
                damaged[place] = value;
                assert!(listed(&damaged).len() <= MAX_CHAPTERS);
            }
        }
    }
}
