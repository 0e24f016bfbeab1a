//! Text of lines: playlists and captions.

use fastrand::Rng;

use super::{one_of, repetitions};

/// Lines of playlists, and pieces of them.
const PLAYLIST: &[&str] = &[
    "#EXTM3U",
    "#EXTINF:4.0,",
    "#EXT-X-BYTERANGE:100@0",
    "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00Z\"",
    "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"",
    "#EXT-X-DISCONTINUITY",
    "#EXT-X-ENDLIST",
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i\"",
    "#EXT-X-I-FRAMES-ONLY",
    "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"",
    "#EXT-X-MAP:URI=\"i\"",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"b\"",
    "#EXT-X-PART:URI=\"p\",DURATION=1",
    "#EXT-X-PART-INF:PART-TARGET=1",
    "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"",
    "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z",
    "#EXT-X-RENDITION-REPORT:URI=\"r\",LAST-MSN=1",
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES",
    "#EXT-X-SKIP:SKIPPED-SEGMENTS=3",
    "#EXT-X-STREAM-INF:BANDWIDTH=1",
    "#EXT-X-TARGETDURATION:4",
    "#EXT-X-VERSION:9",
    "CODECS=\"avc1\",",
    "\"",
    "=",
    ",",
    "{$a}",
    "{$",
    "\u{feff}",
    "\r",
    "é",
];

/// Lines of captions, and pieces of them.
const CAPTIONS: &[&str] = &[
    "WEBVTT",
    "STYLE",
    "REGION",
    "NOTE",
    "",
    " ",
    "7",
    "00:01.000 --> 00:02.500",
    "00:00:01,000 --> 00:00:02,500",
    "-->",
    " line:0 align:start",
    "<",
    "<font ",
    ">",
    "<b>",
    "{\\an8}",
    "{\\",
    "&",
    "&amp;",
    "\0",
    "\u{feff}",
    "\r",
    "é",
];

/// Numbers that parsers stumble over.
const NUMBERS: &[&str] = &[
    "",
    "0",
    "-1",
    "00",
    "59",
    "60",
    "99999",
    "4294967296",
    "18446744073709551615",
    "0.9999999",
    "1e9",
];

/// A playlist, changed in one place.
pub fn changed_playlist(data: &[u8], limit: usize, random: &mut Rng) -> Vec<u8> {
    changed(data, limit, random, PLAYLIST)
}

/// Captions, changed in one place.
pub fn changed_captions(data: &[u8], limit: usize, random: &mut Rng) -> Vec<u8> {
    changed(data, limit, random, CAPTIONS)
}

fn changed(data: &[u8], limit: usize, random: &mut Rng, words: &[&str]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = data.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = random.usize(..lines.len());
    let other = random.usize(..lines.len());
    let word = one_of(words, random).as_bytes();
    match random.u32(..10) {
        0 => drop(lines.remove(at)),
        1 => lines.swap(at, other),
        2 => lines.insert(at, lines[other].clone()),
        3 => lines.insert(at, word.to_vec()),
        // Blocks of lines, often.
        4 => {
            let block = lines[at.min(other)..=at.max(other)].to_vec();
            let size = block.iter().map(|line| line.len() + 1).sum();
            for _ in 1..repetitions(size, limit, random) {
                lines.splice(at..at, block.iter().cloned());
            }
        }
        // A piece of a line, often.
        5 => {
            let line = &mut lines[at];
            let from = random.usize(..=line.len());
            let to = random.usize(from..=line.len().min(from + 24));
            let piece = line[from..to].repeat(repetitions(to - from, limit, random));
            line.splice(from..to, piece);
        }
        6 => {
            let many = word.repeat(repetitions(word.len(), limit, random));
            let from = random.usize(..=lines[at].len());
            lines[at].splice(from..from, many);
        }
        7 => number(&mut lines[at], random),
        // Words between commas or blanks, moved.
        8 => {
            let line = &mut lines[at];
            let parted = |&&byte: &&u8| byte == b',' || byte == b' ';
            let place = line.iter().filter(parted).count();
            let mut words: Vec<_> = line.split(|b| parted(&b)).map(<[u8]>::to_vec).collect();
            words.swap(random.usize(..=place), random.usize(..=place));
            *line = words.join(&b","[..]);
        }
        _ => lines.truncate(at + 1),
    }
    lines.join(&b'\n')
}

/// Another number where one stands.
fn number(line: &mut Vec<u8>, random: &mut Rng) {
    let digits = |byte: &u8| byte.is_ascii_digit();
    let starts: Vec<usize> = (0..line.len())
        .filter(|&at| digits(&line[at]) && (at == 0 || !digits(&line[at - 1])))
        .collect();
    if starts.is_empty() {
        return;
    }
    let start = starts[random.usize(..starts.len())];
    let length = line[start..].iter().take_while(|byte| digits(byte)).count();
    line.splice(start..start + length, one_of(NUMBERS, random).bytes());
}
