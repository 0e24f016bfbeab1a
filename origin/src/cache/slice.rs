//! Media is kept in slices: of the file as players know it, not of the object it lies in, so
//! that a segment of common length is one slice, one read of the store and one write to a client.

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use kinora_media::VideoId;
use kinora_store::{ByteRange, Key, keys};
use quick_cache::Weighter;

use super::{
    budget::Taken,
    encrypted::Seal,
    sealed::{Registry, Sealed},
};

/// Bytes of a slice, but for the last of a file.
pub(crate) const SLICE: u64 = 1 << 20;

/// A file as players know it: a range of an object, or what that becomes when it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaFile {
    pub(crate) key: Arc<Key>,
    pub(crate) range: ByteRange,
    seal: Option<Arc<Seal>>,
}

/// Which slice: its place in its object, or in the file that is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SliceId {
    pub(super) key: Arc<Key>,
    pub(super) seal: Option<Arc<Seal>>,
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Shorter slices lie on the heap: a mapping of their own would cost more than they do.
const SMALL: usize = 16 << 10;

/// A slice in memory. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    bytes: Bytes,
    /// What it is sent from without a copy, if that is the cheaper way.
    sealed: Option<Arc<Sealed>>,
}

/// What owns the memory of a slice that lies on the heap.
struct Heap {
    bytes: Bytes,
    _taken: Taken,
}

/// What owns the memory of one that lies in a memory file.
struct Mapped(Arc<Sealed>);

#[derive(Debug, Clone)]
pub(super) struct SliceWeight;

impl MediaFile {
    pub(crate) fn new(key: Key, range: ByteRange) -> Self {
        Self { key: Arc::new(key), range, seal: None }
    }

    /// The file of `length` bytes of which `whole` names all slices.
    pub(super) fn sealed(whole: &SliceId, length: u64) -> Self {
        let range = ByteRange { offset: 0, length };
        Self { key: Arc::clone(&whole.key), range, seal: whole.seal.clone() }
    }

    /// The slice that holds byte `at` of the file, and where it lies in the file.
    pub(crate) fn slice_at(&self, at: u64) -> (SliceId, Range<u64>) {
        let start = at - at % SLICE;
        let end = (start + SLICE).min(self.range.length);
        let offset = self.range.offset.saturating_add(start);
        let (key, seal) = (Arc::clone(&self.key), self.seal.clone());
        (SliceId { key, seal, offset, length: end - start }, start..end)
    }

    /// All of them, in order.
    pub(crate) fn slices(&self) -> Vec<SliceId> {
        let starts = (0..self.range.length).step_by(SLICE as usize);
        starts.map(|start| self.slice_at(start).0).collect()
    }
}

impl SliceId {
    pub(super) fn range(&self) -> ByteRange {
        ByteRange { offset: self.offset, length: self.length }
    }

    pub(super) fn is_of(&self, video: VideoId) -> bool {
        self.key.as_str().starts_with(&keys::media_folder(video))
    }
}

impl fmt::Display for SliceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}+{}", self.key, self.offset, self.length)?;
        match &self.seal {
            Some(seal) => write!(f, " of {} sealed", seal.clear.offset),
            None => Ok(()),
        }
    }
}

impl Slice {
    /// Bytes for which memory was taken.
    pub(super) fn new(bytes: Bytes, taken: Taken, registry: &Registry) -> Self {
        let taken = if bytes.len() > SMALL {
            match registry.seal(&bytes, taken) {
                Ok(sealed) => {
                    let bytes = Bytes::from_owner(Mapped(Arc::clone(&sealed)));
                    let sealed = registry.sends(bytes.len()).then_some(sealed);
                    return Self { bytes, sealed };
                }
                Err(taken) => taken,
            }
        } else {
            taken
        };
        Self { bytes: Bytes::from_owner(Heap { bytes, _taken: taken }), sealed: None }
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The memory file it fills, if it is sent from there.
    pub(crate) fn sealed(&self) -> Option<&Sealed> {
        self.sealed.as_deref()
    }
}

impl AsRef<[u8]> for Heap {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl Weighter<SliceId, Slice> for SliceWeight {
    fn weight(&self, _: &SliceId, slice: &Slice) -> u64 {
        // What is around them counts too: many small slices must not outgrow the bound.
        512 + (slice.bytes.len() as u64).next_multiple_of(4096)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_tile_a_file() {
        let length = 2 * SLICE + 5;
        let file = MediaFile::new(Key::new("a/b").unwrap(), ByteRange { offset: 7, length });
        let mut at = 0;
        for expected in [0..SLICE, SLICE..2 * SLICE, 2 * SLICE..length] {
            let (id, place) = file.slice_at(at);
            assert_eq!(place, expected);
            assert_eq!((id.offset, id.length), (7 + place.start, place.end - place.start));
            assert_eq!(file.slice_at(place.end - 1).0, id);
            at = place.end;
        }
        assert_eq!(file.slices().len(), 3);
        assert_eq!(file.slices()[1], file.slice_at(SLICE).0);
    }
}
