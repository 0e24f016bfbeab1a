//! Content keys of encrypted videos, and what seals their tracks: read once for all who ask at the same
//! time, and let go of with their video.

use std::sync::Arc;

use bytes::BytesMut;
use kinora_media::{Track, VideoId};
use kinora_packager::crypt::{IndexKey, TrackCipher};
use kinora_store::{ByteRange, Key, ObjectStore, StoreError, keys};
use quick_cache::sync::Cache;

use crate::{
    cache::{Failure, Flights, MediaCache, MediaFile},
    http::Problem,
    index::Index,
};

/// How many versions' keys are kept, and how many tracks' ciphers.
const KEYS: usize = 4096;
const CIPHERS: usize = 4096;
/// Bytes of an initialisation segment that is to be sealed, at most.
const MOST_INIT: u64 = 1 << 20;

/// The keys in memory.
#[derive(Debug)]
pub(crate) struct Secrets {
    store: Arc<dyn ObjectStore>,
    keys: Arc<Cache<Key, Arc<IndexKey>>>,
    reads: Flights<Key, Arc<IndexKey>>,
    ciphers: Cache<Key, Arc<TrackCipher>>,
}

impl Secrets {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        let (keys, ciphers) = (Arc::new(Cache::new(KEYS)), Cache::new(CIPHERS));
        Self { store, keys, reads: Flights::default(), ciphers }
    }

    /// The key of a version; `None` if it is sent in the clear.
    pub(crate) async fn key(&self, index: &Index) -> Result<Option<Arc<IndexKey>>, Problem> {
        if index.head.encryption.is_none() {
            return Ok(None);
        }
        let name = keys::secret(index.id.video, index.id.version);
        let kept = || self.keys.get(&name);
        let read = || read(Arc::clone(&self.store), Arc::clone(&self.keys), name.clone());
        match self.reads.join(&name, kept, read).await {
            Ok(Some((key, _))) => Ok(Some(key)),
            Ok(None) => {
                tracing::error!(video.id = %index.id.video, "the key of an encrypted video is gone");
                Err(Problem::internal())
            }
            Err(error) => {
                tracing::error!(video.id = %index.id.video, %error, "cannot read a key");
                Err(Problem::unavailable())
            }
        }
    }

    /// What seals a track's segments that belong to the initialisation segment `init`; `None` if they
    /// are sent in the clear.
    pub(crate) async fn cipher(
        &self,
        index: &Index,
        track: &Track,
        init: &str,
        media: &MediaCache,
    ) -> Result<Option<Arc<TrackCipher>>, Problem> {
        let Some(key) = self.key(index).await? else { return Ok(None) };
        let name = keys::track_object(index.id.video, index.id.version, &track.id, init);
        if let Some(cipher) = self.ciphers.get(&name) {
            return Ok(Some(cipher));
        }
        let clear = whole(media, &name).await.map_err(|error| {
            tracing::error!(%error, "cannot read an initialisation segment");
            Problem::unavailable()
        })?;
        let clear = clear.ok_or_else(Problem::not_found)?.freeze();
        let cipher = TrackCipher::new(&index.head, track, &clear, &key).map_err(|error| {
            tracing::error!(key = %name, %error, "a track cannot be encrypted");
            Problem::internal()
        })?;
        let Some(cipher) = cipher.map(Arc::new) else { return Ok(None) };
        self.ciphers.insert(name, Arc::clone(&cipher));
        Ok(Some(cipher))
    }

    /// Forgets a video.
    pub(crate) fn purge(&self, video: VideoId) {
        let (secrets, media) = (keys::secret_folder(video), keys::media_folder(video));
        self.keys.retain(|key, _| !key.as_str().starts_with(&secrets));
        self.ciphers.retain(|key, _| !key.as_str().starts_with(&media));
    }
}

async fn read(
    store: Arc<dyn ObjectStore>,
    kept: Arc<Cache<Key, Arc<IndexKey>>>,
    name: Key,
) -> Result<Option<Arc<IndexKey>>, Failure> {
    let Some((_, bytes)) = store.get(&name).await? else { return Ok(None) };
    let key = std::str::from_utf8(&bytes).ok().and_then(IndexKey::parse);
    let key = Arc::new(key.ok_or_else(|| {
        let what = "not a content key".to_owned();
        StoreError::Corrupt { key: name.to_string(), what }
    })?);
    kept.insert(name, Arc::clone(&key));
    Ok(Some(key))
}

/// All bytes of a short object.
async fn whole(media: &MediaCache, key: &Key) -> Result<Option<BytesMut>, Failure> {
    let Some(meta) = media.meta(key).await? else { return Ok(None) };
    if meta.size > MOST_INIT {
        let what = format!("an initialisation segment of {} bytes", meta.size);
        return Err(Arc::new(StoreError::Corrupt { key: key.to_string(), what }));
    }
    let file = MediaFile::new(key.clone(), ByteRange { offset: 0, length: meta.size });
    let mut bytes = BytesMut::new();
    for id in file.slices() {
        let Some((slice, _)) = media.slice(&id).await? else { return Ok(None) };
        bytes.extend_from_slice(slice.bytes());
    }
    Ok(Some(bytes))
}
