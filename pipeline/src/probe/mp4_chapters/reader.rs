//! Boxes and their fields, within limits.

use std::ops::Range;

use bytes::Bytes;

use crate::source::Source;

/// Boxes that are looked at, of all depths.
const MAX_BOXES: usize = 20_000;
/// Bytes of a box that are read: more than the tables of all chapters that are listed.
const MAX_BODY: u64 = 128 << 10;

/// Walks the boxes of a file.
pub(super) struct Reader<'a> {
    source: &'a Source,
    left: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, left: MAX_BOXES }
    }

    /// Where the body lies of the first box of this kind in `folder`.
    pub(super) fn find(&mut self, kind: [u8; 4], folder: Range<u64>) -> Option<Range<u64>> {
        self.find_whole(kind, folder).map(|(_, body)| body)
    }

    /// The same, with where the whole box lies.
    pub(super) fn find_whole(
        &mut self,
        kind: [u8; 4],
        folder: Range<u64>,
    ) -> Option<(Range<u64>, Range<u64>)> {
        self.source.find(&kind, folder, &mut self.left)
    }

    /// The beginning of the body of the first box of this kind in `folder`.
    pub(super) fn body(&mut self, kind: [u8; 4], folder: Range<u64>) -> Option<Fields> {
        let body = self.find(kind, folder)?;
        self.bytes(body.start, body.end.saturating_sub(body.start).min(MAX_BODY))
    }

    /// So many bytes of the file, or those there are.
    pub(super) fn bytes(&self, offset: u64, length: u64) -> Option<Fields> {
        let length = length.min(self.source.size().saturating_sub(offset));
        self.source.read(offset, usize::try_from(length).ok()?).ok().map(Fields)
    }
}

/// Bytes that hold big-endian numbers.
pub(super) struct Fields(Bytes);

impl Fields {
    /// Whether a full box is of version 1, whose times have 64 bits.
    pub(super) fn is_wide(&self) -> bool {
        self.0.first() == Some(&1)
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub(super) fn short(&self, at: usize) -> Option<u16> {
        self.slice(at, 2)?.try_into().ok().map(u16::from_be_bytes)
    }

    pub(super) fn word(&self, at: usize) -> Option<u32> {
        self.slice(at, 4)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub(super) fn long(&self, at: usize) -> Option<u64> {
        self.slice(at, 8)?.try_into().ok().map(u64::from_be_bytes)
    }

    pub(super) fn slice(&self, at: usize, length: usize) -> Option<&[u8]> {
        self.0.get(at..at.checked_add(length)?)
    }
}
