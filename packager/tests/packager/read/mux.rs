//! Writes progressive files whose tables are as odd as a test wants.

use std::ops::Range;

/// A track to be.
#[derive(Debug, Clone)]
pub(crate) struct Muxed {
    pub(crate) handler: &'static [u8; 4],
    pub(crate) timescale: u32,
    /// Whole sample entries.
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) samples: Vec<MuxedSample>,
    /// Samples in each chunk, and its sample entry counted from 1.
    pub(crate) chunks: Vec<(usize, u32)>,
    /// Duration in movie ticks (1000 a second), media time, rate.
    pub(crate) edits: Vec<(u64, i64, u32)>,
    /// `co64` and the 64-bit versions of headers.
    pub(crate) long: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct MuxedSample {
    pub(crate) data: Vec<u8>,
    pub(crate) duration: u32,
    pub(crate) composition_offset: i32,
    pub(crate) key: bool,
}

pub(crate) fn boxed(code: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32 + 8).to_be_bytes()[..], code, &body].concat()
}

fn full(code: &[u8; 4], version: u8, parts: &[&[u8]]) -> Vec<u8> {
    boxed(code, &[&[version, 0, 0, 0], &parts.concat()])
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A sample entry of a picture with its boxes.
pub(crate) fn visual(code: &[u8; 4], boxes: &[u8]) -> Vec<u8> {
    let mut fields = [0; 78];
    fields[7] = 1;
    fields[24..28].copy_from_slice(&[0x02, 0x80, 0x01, 0x68]); // 640×360
    boxed(code, &[&fields, boxes])
}

/// A sample entry of stereo sound at 48 kHz with its boxes.
pub(crate) fn sound(code: &[u8; 4], boxes: &[u8]) -> Vec<u8> {
    let mut fields = [0; 28];
    fields[7] = 1;
    fields[17] = 2;
    fields[24..26].copy_from_slice(&[0xbb, 0x80]);
    boxed(code, &[&fields, boxes])
}

/// A file with `mdat` first, chunks of the tracks in turn, and where each sample lies.
pub(crate) fn progressive(tracks: &[Muxed]) -> (Vec<u8>, Vec<Vec<Range<u64>>>) {
    let ftyp = boxed(b"ftyp", &[b"isom\0\0\0\0isom"]);
    let mut media = Vec::new();
    let start = ftyp.len() as u64 + 8;
    let mut places: Vec<Vec<Range<u64>>> = vec![Vec::new(); tracks.len()];
    let mut chunk_offsets: Vec<Vec<u64>> = vec![Vec::new(); tracks.len()];
    let rounds = tracks.iter().map(|track| track.chunks.len()).max().unwrap_or(0);
    for round in 0..rounds {
        for (index, track) in tracks.iter().enumerate() {
            let Some((count, _)) = track.chunks.get(round) else { continue };
            chunk_offsets[index].push(start + media.len() as u64);
            let first = places[index].len();
            for sample in &track.samples[first..first + count] {
                let begin = start + media.len() as u64;
                media.extend_from_slice(&sample.data);
                places[index].push(begin..start + media.len() as u64);
            }
        }
    }
    let mdat = boxed(b"mdat", &[&media]);
    let mvhd = full(b"mvhd", 0, &[&words(&[0, 0, 1000, 0]), &[0; 80]]);
    let traks = tracks.iter().zip(&chunk_offsets).enumerate();
    let traks: Vec<_> = traks.flat_map(|(n, (track, at))| trak(n as u32 + 1, track, at)).collect();
    ([ftyp, mdat, boxed(b"moov", &[&mvhd, &traks])].concat(), places)
}

fn trak(id: u32, track: &Muxed, chunk_offsets: &[u64]) -> Vec<u8> {
    let matrix = words(&[0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000]);
    let size = words(&[640 << 16, 360 << 16]);
    let tkhd = if track.long {
        full(b"tkhd", 1, &[&[0; 16], &words(&[id, 0, 0, 0]), &[0; 16], &matrix, &size])
    } else {
        full(b"tkhd", 0, &[&[0; 8], &words(&[id, 0, 0]), &[0; 16], &matrix, &size])
    };
    let language = [0x15, 0xc7, 0, 0]; // eng
    let mdhd = if track.long {
        full(b"mdhd", 1, &[&[0; 16], &words(&[track.timescale, 0, 0]), &language])
    } else {
        full(b"mdhd", 0, &[&[0; 8], &words(&[track.timescale, 0]), &language])
    };
    let hdlr = full(b"hdlr", 0, &[&[0; 4], track.handler, &[0; 12], b"Name\0"]);
    let minf = boxed(b"minf", &[&boxed(b"stbl", &[&tables(track, chunk_offsets)])]);
    let mdia = boxed(b"mdia", &[&mdhd, &hdlr, &minf]);
    boxed(b"trak", &[&tkhd, &edit_list(track), &mdia])
}

fn edit_list(track: &Muxed) -> Vec<u8> {
    if track.edits.is_empty() {
        return Vec::new();
    }
    let row = |&(duration, media_time, rate): &(u64, i64, u32)| {
        let rate = rate.to_be_bytes().to_vec();
        let times = if track.long {
            [duration.to_be_bytes(), media_time.to_be_bytes()].concat()
        } else {
            words(&[duration as u32, (media_time as i32).cast_unsigned()])
        };
        [times, rate].concat()
    };
    let rows: Vec<u8> = track.edits.iter().flat_map(row).collect();
    let count = words(&[track.edits.len() as u32]);
    boxed(b"edts", &[&full(b"elst", u8::from(track.long), &[&count, &rows])])
}

fn tables(track: &Muxed, chunk_offsets: &[u64]) -> Vec<u8> {
    let samples = &track.samples;
    let table = |code, version, rows: Vec<Vec<u32>>| {
        let count = words(&[rows.len() as u32]);
        full(code, version, &[&count, &words(&rows.concat())])
    };
    let entries = track.entries.concat();
    let stsd = full(b"stsd", 0, &[&words(&[track.entries.len() as u32]), &entries]);
    let stts = table(b"stts", 0, runs(samples.iter().map(|s| s.duration)));
    let offsets = samples.iter().map(|s| s.composition_offset.cast_unsigned());
    let ctts = table(b"ctts", 1, runs(offsets));
    let keys = samples.iter().enumerate().filter(|(_, sample)| sample.key);
    let stss = table(b"stss", 0, keys.map(|(n, _)| vec![n as u32 + 1]).collect());
    let sizes: Vec<u32> = samples.iter().map(|sample| sample.data.len() as u32).collect();
    let stsz = full(b"stsz", 0, &[&words(&[0, sizes.len() as u32]), &words(&sizes)]);
    let mut rows: Vec<Vec<u32>> = Vec::new();
    for (chunk, &(count, entry)) in track.chunks.iter().enumerate() {
        let count = count as u32;
        if rows.last().is_none_or(|row| row[1..] != [count, entry]) {
            rows.push(vec![chunk as u32 + 1, count, entry]);
        }
    }
    let stsc = table(b"stsc", 0, rows);
    let places = if track.long {
        let rows = chunk_offsets.iter().map(|&at| vec![(at >> 32) as u32, at as u32]);
        table(b"co64", 0, rows.collect())
    } else {
        table(b"stco", 0, chunk_offsets.iter().map(|&at| vec![at as u32]).collect())
    };
    [stsd, stts, ctts, stss, stsz, stsc, places].concat()
}

/// Values as rows of a count and a value.
fn runs(values: impl Iterator<Item = u32>) -> Vec<Vec<u32>> {
    let mut runs: Vec<Vec<u32>> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some(run) if run[1] == value => run[0] += 1,
            _ => runs.push(vec![1, value]),
        }
    }
    runs
}
