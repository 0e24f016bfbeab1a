//! What an MP4's movie header promises, which GStreamer's demuxer must not see.
//!
//! qtdemux 1.22 believes the header's duration in two ways that lose pictures. It ends at the first
//! key frame whose time in the media, not in the presentation, lies past it: where an edit leaves out
//! the beginning, the end is lost. And it drops tracks shorter than a tenth of it, so that a header
//! that lies loses all. Without a duration it goes by the tracks and their edits.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{Source, boxes::box_header};

/// Boxes that are looked at.
const MAX_BOXES: usize = 256;
/// What an MP4 or QuickTime file may begin with.
const FIRST: [&[u8; 4]; 7] = [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"];

/// The duration in a movie header (ISO/IEC 14496-12 8.2.2) of a file without fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MovieHeader {
    /// Where it lies in the file.
    duration: Range<u64>,
    /// What it says, nanoseconds; `None` if it says nothing.
    pub(crate) promised_ns: Option<u64>,
}

impl Source {
    /// The movie header, if this is an MP4 whose duration lies there.
    pub(crate) fn movie_header(&self) -> Option<MovieHeader> {
        let mut left = MAX_BOXES;
        let first = self.header_at(0, self.size())?;
        if !FIRST.contains(&&first.0) {
            return None;
        }
        let (_, body) = self.find(b"moov", 0..self.size(), &mut left)?;
        // The durations of files with fragments are elsewhere.
        if self.find(b"mvex", body.clone(), &mut left).is_some() {
            return None;
        }
        let (_, header) = self.find(b"mvhd", body, &mut left)?;
        self.read_header(header)
    }

    fn read_header(&self, body: Range<u64>) -> Option<MovieHeader> {
        let bytes = self.read(body.start, 32).ok()?;
        let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let wide = bytes.first()? == &1;
        let (timescale, at, length) = if wide { (word(20)?, 24, 8) } else { (word(12)?, 16, 4) };
        let units = match wide {
            true => u64::from(word(24)?) << 32 | u64::from(word(28)?),
            false => u64::from(word(16)?),
        };
        let duration = body.start + at..body.start + at + length;
        // All ones: it cannot be told.
        let unknown = if wide { u64::MAX } else { u64::from(u32::MAX) };
        let known = units != 0 && units != unknown && timescale != 0;
        let nanos = u128::from(units) * 1_000_000_000 / u128::from(timescale.max(1));
        let promised_ns = known.then(|| u64::try_from(nanos).unwrap_or(u64::MAX));
        (duration.end <= body.end).then_some(MovieHeader { duration, promised_ns })
    }

    /// The first box of this kind in `folder`, whole and its body.
    pub(crate) fn find(
        &self,
        kind: &[u8; 4],
        folder: Range<u64>,
        left: &mut usize,
    ) -> Option<(Range<u64>, Range<u64>)> {
        let mut offset = folder.start;
        while offset.saturating_add(8) <= folder.end {
            *left = left.checked_sub(1)?;
            let (found, size, head) = self.header_at(offset, folder.end)?;
            let end = offset.saturating_add(size).min(folder.end);
            if found == *kind {
                return Some((offset..end, offset.saturating_add(head).min(end)..end));
            }
            offset = offset.saturating_add(size);
        }
        None
    }

    /// Kind, size, and size of the header of the box at `offset`.
    fn header_at(&self, offset: u64, end: u64) -> Option<([u8; 4], u64, u64)> {
        let header = self.read(offset, 16).ok()?;
        let (kind, size) = box_header(&header, end.checked_sub(offset)?)?;
        let large = header.get(..4) == Some(&[0, 0, 0, 1]);
        Some((kind, size, if large { 16 } else { 8 }))
    }
}

impl MovieHeader {
    /// `bytes` from `offset` of the file, with a duration of 0.
    pub(super) fn left_out_of(&self, bytes: Bytes, offset: u64) -> Bytes {
        let end = offset.saturating_add(bytes.len() as u64);
        let (from, to) = (self.duration.start.max(offset), self.duration.end.min(end));
        if from >= to {
            return bytes;
        }
        let at = |position: u64| usize::try_from(position - offset).unwrap_or(usize::MAX);
        let mut bytes = BytesMut::from(&bytes[..]);
        bytes[at(from)..at(to)].fill(0);
        bytes.freeze()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    fn header_of(file: &[u8]) -> Option<MovieHeader> {
        let mut on_disk = tempfile::NamedTempFile::new().unwrap();
        on_disk.write_all(file).unwrap();
        Source::file(on_disk.path()).unwrap().movie_header()
    }

    /// A movie header of version 0 or 1 at 1000 units a second.
    fn mvhd(version: u8, duration: u64) -> Vec<u8> {
        let mut body = vec![version, 0, 0, 0];
        if version == 1 {
            body.extend([0; 16]);
            body.extend(1000_u32.to_be_bytes());
            body.extend(duration.to_be_bytes());
        } else {
            body.extend([0; 8]);
            body.extend(1000_u32.to_be_bytes());
            body.extend(u32::try_from(duration).unwrap().to_be_bytes());
        }
        body.extend([0; 80]);
        boxed(b"mvhd", &body)
    }

    #[test]
    fn the_duration_is_found_and_left_out() {
        for version in [0, 1] {
            let moov = boxed(b"moov", &[mvhd(version, 6600), boxed(b"trak", &[])].concat());
            let file = [boxed(b"ftyp", b"isom"), boxed(b"mdat", &[9; 50]), moov].concat();
            let header = header_of(&file).unwrap();
            assert_eq!(header.promised_ns, Some(6_600_000_000), "version {version}");
            let masked = header.left_out_of(Bytes::from(file.clone()), 0);
            let changed = file.iter().zip(&masked).filter(|(a, b)| a != b).count();
            assert_eq!(changed, 2, "6600 has two bytes");
            assert!(!masked.windows(4).any(|four| four == 6600_u32.to_be_bytes()));
            // In pieces it is the same.
            for cut in 0..file.len() {
                let (a, b) = file.split_at(cut);
                let a = header.left_out_of(Bytes::copy_from_slice(a), 0);
                let b = header.left_out_of(Bytes::copy_from_slice(b), cut as u64);
                assert!([a, b].concat() == masked, "cut at {cut}");
            }
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        let fragmented = boxed(b"moov", &[mvhd(0, 9), boxed(b"mvex", &[])].concat());
        let silent = header_of(&boxed(b"moov", &mvhd(0, 0))).unwrap();
        assert_eq!(silent.promised_ns, None);
        let cut = boxed(b"moov", &boxed(b"mvhd", &[0; 10]));
        for file in [fragmented, cut, b"RIFF....AVI LIST".to_vec(), vec![], vec![0; 4000]] {
            assert_eq!(header_of(&file), None);
        }
    }
}
