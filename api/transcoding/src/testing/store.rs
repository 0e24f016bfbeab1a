//! A store in memory that keeps every head it ever held.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use kinora_db::Clock;
use kinora_media::{Head, Page, VideoId};
use kinora_store::{ByteRange, Condition, Key, ObjectMeta, ObjectStore, Put, StoreError, keys};

use super::faults::Faults;

#[derive(Debug)]
pub(crate) struct SimStore {
    faults: Arc<Faults>,
    clock: Clock,
    objects: Mutex<BTreeMap<Key, (Bytes, i64)>>,
    heads: Mutex<Vec<Head>>,
    listings: AtomicUsize,
}

impl SimStore {
    pub(crate) fn new(faults: Arc<Faults>, clock: Clock) -> Self {
        let (objects, heads, listings) = Default::default();
        Self { faults, clock, objects, heads, listings }
    }

    /// Writes an object as a worker does: past the faults of the service.
    pub(crate) fn write(&self, key: &Key, body: Bytes) {
        let now_us = self.clock.now_us();
        self.objects.lock().unwrap().entry(key.clone()).or_insert((body, now_us));
    }

    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        let keys = objects.keys().map(|key| key.as_str().to_owned());
        keys.filter(|key| key.starts_with(prefix)).collect()
    }

    /// How often it was asked what there is.
    pub(crate) fn listings(&self) -> usize {
        self.listings.load(Ordering::Relaxed)
    }

    /// Every head of a video, in the order they were stored.
    pub(crate) fn heads(&self, video: VideoId) -> Vec<Head> {
        self.heads.lock().unwrap().iter().filter(|head| head.video == video).cloned().collect()
    }

    pub(crate) fn page(&self, video: VideoId, version: u32, object: &str) -> Option<Page> {
        let key = keys::index(video, version, object);
        let objects = self.objects.lock().unwrap();
        objects.get(&key).map(|(body, _)| serde_json::from_slice(body).unwrap())
    }

    fn swap(&self, key: &Key, body: Bytes, condition: &Condition) -> Put {
        let mut objects = self.objects.lock().unwrap();
        let holds = match (objects.get(key), condition) {
            (None, Condition::Absent) => true,
            (Some((old, _)), Condition::Matches(expected)) => etag(old) == *expected,
            _ => false,
        };
        if !holds {
            return Put::ConditionFailed;
        }
        if key.as_str().ends_with("/head.json") {
            self.heads.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        }
        let etag = etag(&body);
        objects.insert(key.clone(), (body, self.clock.now_us()));
        Put::Stored { etag }
    }

    fn meta(key: &Key, (body, modified_at_us): &(Bytes, i64)) -> ObjectMeta {
        ObjectMeta {
            key: key.clone(),
            size: body.len() as u64,
            etag: etag(body),
            modified_at_us: *modified_at_us,
        }
    }
}

fn etag(body: &Bytes) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

fn broken(key: &str) -> StoreError {
    StoreError::Io {
        key: key.to_owned(),
        action: "simulate",
        source: io::Error::other("the store does not answer"),
    }
}

#[async_trait]
impl ObjectStore for SimStore {
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(self.get(key).await?.map(|(meta, _)| meta))
    }

    async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        let found = || {
            let objects = self.objects.lock().unwrap();
            objects.get(key).map(|object| (Self::meta(key, object), object.0.clone()))
        };
        self.faults.around(found, || broken(key.as_str())).await
    }

    async fn get_range(&self, _: &Key, _: ByteRange) -> Result<Option<Bytes>, StoreError> {
        unreachable!("the service reads whole objects")
    }

    async fn put(&self, key: &Key, body: Bytes, condition: Condition) -> Result<Put, StoreError> {
        let swap = || self.swap(key, body, &condition);
        self.faults.around(swap, || broken(key.as_str())).await
    }

    async fn put_file(&self, _: &Key, _: &Path, _: Condition) -> Result<Put, StoreError> {
        unreachable!("the service has no files")
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        let delete = || self.objects.lock().unwrap().remove(key).is_some();
        self.faults.around(delete, || broken(key.as_str())).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        self.listings.fetch_add(1, Ordering::Relaxed);
        let list = || {
            let objects = self.objects.lock().unwrap();
            let listed = objects.iter().filter(|(key, _)| key.as_str().starts_with(prefix));
            let listed = listed.filter(|(key, _)| after.is_none_or(|after| *key > after));
            listed.take(limit).map(|(key, object)| Self::meta(key, object)).collect()
        };
        self.faults.around(list, || broken(prefix)).await
    }
}
