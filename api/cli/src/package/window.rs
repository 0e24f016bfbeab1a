//! The stretch of a source that is in memory.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes held at a time: what a core keeps near between reading and writing it. Soundtracks lie
/// between the pictures, so that one reading serves all.
const CAPACITY: usize = 1 << 20;

/// Some bytes of a file.
#[derive(Debug)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// Where they begin in the file.
    offset: u64,
    /// How many of them are of the file.
    length: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; CAPACITY], offset: 0, length: 0 }
    }

    /// Reads from `offset` on.
    pub(super) fn load(&mut self, file: &File, offset: u64) -> io::Result<()> {
        self.offset = offset;
        self.length = 0;
        while self.length < self.bytes.len() {
            let at = offset + self.length as u64;
            match file.read_at(&mut self.bytes[self.length..], at) {
                Ok(0) => break,
                Ok(count) => self.length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.length == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// As much of the beginning of `range` as is here.
    pub(super) fn get(&self, range: &Range<u64>) -> Option<&[u8]> {
        let start = usize::try_from(range.start.checked_sub(self.offset)?).ok()?;
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let here = self.bytes.get(start..self.length)?;
        let here = &here[..here.len().min(wanted)];
        (!here.is_empty()).then_some(here)
    }
}
