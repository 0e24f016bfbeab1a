//! Files that are encrypted when they are asked for: their slices are kept like those of all others, and
//! what they were made of is not.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use bytes::Bytes;
use kinora_packager::crypt::TrackCipher;
use kinora_store::{ByteRange, Key, StoreError};

use super::{Failure, Got, Inner, MediaCache, MediaFile, SLICE, Slice, SliceId};

/// What memory sealing takes for the descriptions of samples, beside what is sealed.
const DESCRIPTIONS: u64 = 64 << 10;

/// How a segment is sealed. Which segment of its object it is tells it from others.
pub(crate) struct Seal {
    pub(crate) cipher: Arc<TrackCipher>,
    /// Its number, from 0 over the whole timeline.
    pub(crate) number: u32,
    /// Where it lies in its object, in the clear.
    pub(crate) clear: ByteRange,
}

impl MediaCache {
    /// A segment as players get it, and how that was come by; `None` if there is no such object. Once
    /// it was sealed it is known how long that is.
    ///
    /// # Errors
    /// As [`Self::slice`], and where it cannot be encrypted.
    pub(crate) async fn sealed(
        &self,
        key: &Arc<Key>,
        seal: Seal,
    ) -> Result<Option<(MediaFile, Got)>, Failure> {
        if self.inner.is_absent(key) {
            return Ok(None);
        }
        let whole = whole(Arc::clone(key), Arc::new(seal));
        if let Some(length) = self.inner.sealed_lengths.get(&whole) {
            return Ok(Some((MediaFile::sealed(&whole, length), Got::Hit)));
        }
        let found = Inner::sealed(&self.inner, &whole).await?;
        Ok(found.map(|(slices, got)| (MediaFile::sealed(&whole, length_of(&slices)), got)))
    }
}

impl Inner {
    /// All slices of a sealed file, made once for all who ask at the same time.
    pub(super) async fn sealed(
        self: &Arc<Self>,
        whole: &SliceId,
    ) -> Result<Option<(Arc<[Slice]>, Got)>, Failure> {
        let seal = || Arc::clone(self).seal(whole.clone());
        self.sealings.join(whole, || None, seal).await
    }

    /// One of them that is not kept: all are made, since one cannot be alone.
    pub(super) async fn sealed_slice(
        self: &Arc<Self>,
        id: &SliceId,
        seal: &Arc<Seal>,
    ) -> Result<Option<Slice>, Failure> {
        let whole = whole(Arc::clone(&id.key), Arc::clone(seal));
        let nth = usize::try_from(id.offset / SLICE).unwrap_or(usize::MAX);
        let found = self.sealed(&whole).await?;
        Ok(found.and_then(|(slices, _)| slices.get(nth).cloned()))
    }

    async fn seal(self: Arc<Self>, whole: SliceId) -> Result<Option<Arc<[Slice]>>, Failure> {
        let Some(seal) = whole.seal.clone() else { return Ok(None) };
        // It is there twice for a moment: as it was read, and sealed.
        let room = seal.clear.length.saturating_mul(2).saturating_add(DESCRIPTIONS);
        let mut taken = self.take(&whole.key, room).await?;
        let Some(clear) = self.read(&whole.key, seal.clear).await? else { return Ok(None) };
        // It takes milliseconds, in which others want to be served.
        let sealed = tokio::task::spawn_blocking(move || {
            seal.cipher.seal(seal.number, clear.into()).map_err(|error| error.to_string())
        });
        let sealed = sealed.await.unwrap_or_else(|panicked| Err(panicked.to_string()));
        let sealed = Bytes::from(sealed.map_err(|error| {
            let what = format!("cannot be encrypted: {error}");
            Arc::new(StoreError::Corrupt { key: whole.key.to_string(), what })
        })?);
        let length = sealed.len() as u64;
        let mut slices = Vec::new();
        for (nth, id) in MediaFile::sealed(&whole, length).slices().into_iter().enumerate() {
            let begin = nth * SLICE as usize;
            // Of its own, for a slice that is kept must not keep the others.
            let bytes = Bytes::copy_from_slice(&sealed[begin..begin + id.length as usize]);
            let slice = Slice::new(bytes, taken.split(id.length), &self.registry);
            self.slices.insert(id, slice.clone());
            slices.push(slice);
        }
        self.sealed_lengths.insert(whole, length);
        self.metrics.cached(self.slices.weight());
        Ok(Some(slices.into()))
    }
}

/// The name of all slices of a sealed file together.
fn whole(key: Arc<Key>, seal: Arc<Seal>) -> SliceId {
    SliceId { key, seal: Some(seal), offset: 0, length: 0 }
}

fn length_of(slices: &[Slice]) -> u64 {
    slices.iter().map(|slice| slice.bytes().len() as u64).sum()
}

impl PartialEq for Seal {
    fn eq(&self, other: &Self) -> bool {
        self.clear.offset == other.clear.offset
    }
}

impl Eq for Seal {}

impl Hash for Seal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.clear.offset.hash(state);
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("number", &self.number).finish_non_exhaustive()
    }
}
