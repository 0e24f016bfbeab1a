//! Media in memory: slices of files, kept by a policy that one scan through the library does not
//! defeat (quick_cache's: new entries must be asked for again to stay), fetched once for all who
//! ask at the same time, and bounded together with what is on its way to clients.

mod bounded;
mod budget;
mod encrypted;
mod flights;
mod sealed;
mod slice;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use kinora_media::VideoId;
use kinora_store::{ByteRange, Key, ObjectMeta, ObjectStore, StoreError};
use quick_cache::{DefaultHashBuilder, sync::Cache, sync::DefaultLifecycle};

pub(crate) use self::{
    bounded::bounded,
    encrypted::Seal,
    flights::{Failure, Flights, Got},
    sealed::{Registry, Sealed},
    slice::{MediaFile, SLICE, Slice, SliceId},
};
use self::{
    budget::{Budget, Taken},
    slice::SliceWeight,
};
use crate::{Caches, Metrics, metrics::Fetch};

/// How long "there is none" is believed.
const ABSENT_LIFE: Duration = Duration::from_secs(1);

/// How long a fetch waits for slow clients to let go of memory.
const PATIENCE: Duration = Duration::from_secs(30);

/// Room for several new slices beside those that are asked for often, which they would push out.
const PART: u64 = 48 * SLICE;

/// What else is remembered, in entries.
const ABSENT: usize = 4096;
const METAS: usize = 16_384;

/// The media in memory.
#[derive(Debug)]
pub(crate) struct MediaCache {
    inner: Arc<Inner>,
    /// How many may be kept.
    bytes: AtomicU64,
    slices: Flights<SliceId, Slice>,
    metas: Flights<Key, ObjectMeta>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn ObjectStore>,
    slices: Cache<SliceId, Slice, SliceWeight>,
    metas: Cache<Key, ObjectMeta>,
    absent: Cache<Key, Instant>,
    sealings: Flights<SliceId, Arc<[Slice]>>,
    /// By the name of all slices of a file.
    sealed_lengths: Cache<SliceId, u64>,
    budget: Budget,
    registry: Registry,
    metrics: Metrics,
}

impl MediaCache {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, caches: &Caches, metrics: Metrics) -> Self {
        let bytes = caches.media_bytes;
        let options = bounded(bytes, PART, 64 << 10);
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        let slices = Cache::with_options(options, SliceWeight, hasher, lifecycle);
        let budget = Budget::new(bytes.saturating_add(caches.sending_bytes), PATIENCE);
        let (metas, absent) = (Cache::new(METAS), Cache::new(ABSENT));
        let registry = Registry::new(caches.sendfile_bytes);
        let (sealings, sealed_lengths) = (Flights::default(), Cache::new(METAS));
        let inner = Arc::new(Inner {
            store,
            slices,
            metas,
            absent,
            sealings,
            sealed_lengths,
            budget,
            registry,
            metrics,
        });
        Self { inner, bytes: bytes.into(), slices: Flights::default(), metas: Flights::default() }
    }

    /// A slice, whole; `None` if there is no such object.
    ///
    /// # Errors
    /// The store fails, or the object is shorter: to everybody who waits, and never remembered.
    pub(crate) async fn slice(&self, id: &SliceId) -> Result<Option<(Slice, Got)>, Failure> {
        if self.inner.is_absent(&id.key) {
            return Ok(None);
        }
        let fetch = || Arc::clone(&self.inner).fetch(id.clone());
        self.slices.join(id, || self.inner.slices.get(id), fetch).await
    }

    /// A slice that is in memory.
    pub(crate) fn kept(&self, id: &SliceId) -> Option<Slice> {
        self.inner.slices.get(id)
    }

    /// What is known of an object that never changes; `None` if there is none.
    pub(crate) async fn meta(&self, key: &Key) -> Result<Option<ObjectMeta>, Failure> {
        if self.inner.is_absent(key) {
            return Ok(None);
        }
        let look = || Arc::clone(&self.inner).look(key.clone());
        let found = self.metas.join(key, || self.inner.metas.get(key), look).await?;
        Ok(found.map(|(meta, _)| meta))
    }

    /// Where slices are mapped.
    pub(crate) fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Keeps no more than `bytes`, and lets as much more be on its way as before.
    pub(crate) fn adjust(&self, bytes: u64) {
        let before = self.bytes.swap(bytes, Ordering::Relaxed);
        self.inner.slices.set_capacity(bytes);
        self.inner.budget.adjust(before, bytes);
    }

    /// Forgets a video.
    pub(crate) fn purge(&self, video: VideoId) {
        let folder = kinora_store::keys::media_folder(video);
        self.inner.slices.retain(|id, _| !id.is_of(video));
        self.inner.sealed_lengths.retain(|whole, _| !whole.is_of(video));
        self.inner.metas.retain(|key, _| !key.as_str().starts_with(&folder));
        self.inner.metrics.cached(self.inner.slices.weight());
    }
}

impl Inner {
    async fn fetch(self: Arc<Self>, id: SliceId) -> Result<Option<Slice>, Failure> {
        if let Some(seal) = &id.seal {
            return self.sealed_slice(&id, seal).await;
        }
        let taken = self.take(&id.key, id.length).await?;
        let Some(bytes) = self.read(&id.key, id.range()).await? else { return Ok(None) };
        let slice = Slice::new(bytes, taken, &self.registry);
        self.slices.insert(id, slice.clone());
        self.metrics.cached(self.slices.weight());
        Ok(Some(slice))
    }

    /// Takes memory for what is to be read of `key`.
    async fn take(&self, key: &Key, bytes: u64) -> Result<Taken, Failure> {
        self.budget.take(bytes).await.map_err(|exhausted| {
            let source = std::io::Error::other(exhausted);
            Arc::new(StoreError::Io { key: key.to_string(), action: "read", source })
        })
    }

    /// Reads a range that must be there whole; `None` if there is no such object.
    async fn read(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, Failure> {
        let began = Instant::now();
        let read = self.store.get_range(key, range).await;
        let (outcome, length) = match &read {
            Ok(Some(bytes)) => (Fetch::Found, bytes.len() as u64),
            Ok(None) => (Fetch::Absent, 0),
            Err(_) => (Fetch::Failed, 0),
        };
        self.metrics.fetched(outcome, length, began.elapsed());
        let Some(bytes) = read? else {
            self.absent.insert(key.clone(), Instant::now());
            return Ok(None);
        };
        if bytes.len() as u64 != range.length {
            let what = "shorter than the index says".to_owned();
            return Err(Arc::new(StoreError::Corrupt { key: key.to_string(), what }));
        }
        Ok(Some(bytes))
    }

    async fn look(self: Arc<Self>, key: Key) -> Result<Option<ObjectMeta>, Failure> {
        let found = self.store.head(&key).await?;
        match &found {
            Some(meta) => self.metas.insert(key, meta.clone()),
            None => self.absent.insert(key, Instant::now()),
        }
        Ok(found)
    }

    fn is_absent(&self, key: &Key) -> bool {
        self.absent.get(key).is_some_and(|seen| seen.elapsed() < ABSENT_LIFE)
    }
}

#[cfg(test)]
mod tests {
    use kinora_media::TrackId;
    use kinora_store::{ByteRange, Condition, FsStore, keys};

    use super::*;

    #[tokio::test]
    async fn a_purge_forgets_one_video() {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn ObjectStore> = Arc::new(FsStore::open(folder.path().into()).unwrap());
        let media = MediaCache::new(Arc::clone(&store), &Caches::default(), Metrics::default());
        let track: TrackId = "v360".parse().unwrap();
        let videos = [1, 2]
            .map(|n| format!("01890a5d-ac96-774b-bcce-b302099a805{n}").parse::<VideoId>().unwrap());
        let mut slices = Vec::new();
        for video in videos {
            let key = keys::init(video, 1, &track);
            store.put(&key, "bytes".into(), Condition::Absent).await.unwrap();
            assert!(media.meta(&key).await.unwrap().is_some());
            let (id, _) = MediaFile::new(key, ByteRange { offset: 0, length: 5 }).slice_at(0);
            assert_eq!(media.slice(&id).await.unwrap().unwrap().1, Got::Miss);
            assert_eq!(media.slice(&id).await.unwrap().unwrap().1, Got::Hit);
            slices.push(id);
        }
        media.purge(videos[0]);
        assert!(media.kept(&slices[0]).is_none());
        assert!(media.kept(&slices[1]).is_some());
        store.delete(&slices[0].key).await.unwrap();
        assert!(media.slice(&slices[0]).await.unwrap().is_none());
        assert!(media.meta(&slices[0].key).await.unwrap().is_none());
    }
}
