//! A store that takes its time, counts, and holds a short film and a long one.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use kinora_media::{ChunkEntry, Page, PageRef, SegmentEntry, TrackId, VideoId};
use kinora_store::{
    ByteRange, Condition, FsStore, Key, ObjectMeta, ObjectStore, Put, StoreError, keys,
};

use crate::head::{SECOND, head};

/// Films and how many segments of two seconds they have: ten minutes, ten hours.
pub(crate) const FILMS: [(&str, u64); 2] = [
    ("01890a5d-ac96-774b-bcce-b302099a8057", 300),
    ("01890a5d-ac96-774b-bcce-b302099a8058", 18_000),
];
/// Bytes of a segment.
const SEGMENT: u64 = 64 << 10;
/// Segments of a page: ten minutes.
const PAGE: u64 = 300;

#[derive(Debug)]
pub(crate) struct SlowStore {
    files: FsStore,
    /// How long a read of media takes, and how long the last one took.
    takes_us: AtomicU64,
    last_us: AtomicU64,
    pub(crate) reads: AtomicU64,
}

impl SlowStore {
    pub(crate) async fn create(folder: PathBuf) -> Arc<Self> {
        let files = FsStore::open(folder).unwrap();
        for (video, segments) in FILMS {
            write(&files, video.parse().unwrap(), segments).await;
        }
        let [takes_us, last_us, reads] = [0, 0, 0].map(AtomicU64::new);
        Arc::new(Self { files, takes_us, last_us, reads })
    }

    /// Lets each read of media take so long.
    pub(crate) fn take(&self, time: Duration) {
        self.takes_us.store(time.as_micros() as u64, Ordering::SeqCst);
    }

    pub(crate) fn last_read(&self) -> Duration {
        Duration::from_micros(self.last_us.load(Ordering::SeqCst))
    }
}

async fn write(store: &FsStore, video: VideoId, segments: u64) {
    let (picture, text): (TrackId, TrackId) = ("v360".parse().unwrap(), "t-en".parse().unwrap());
    let put = async |key, body: Vec<u8>| {
        store.put(&key, body.into(), Condition::Absent).await.unwrap();
    };
    put(keys::init(video, 1, &picture), vec![0; 1000]).await;
    let captions = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n".to_vec();
    let caption = SegmentEntry::new(captions.len() as u64, segments * 2000);
    put(keys::track_object(video, 1, &text, &keys::text_object(1)), captions).await;
    // All chunks are of the same page's worth of bytes; the first film's are there.
    let mut pages = Vec::new();
    for (nth, first) in (0..segments).step_by(PAGE as usize).enumerate() {
        let count = PAGE.min(segments - first);
        let object = keys::chunk_object(nth as u32, 1);
        if nth == 0 {
            let key = keys::track_object(video, 1, &picture, &object);
            put(key, vec![7; (count * SEGMENT) as usize]).await;
        }
        let entries = vec![SegmentEntry::new(SEGMENT, 2 * SECOND); count as usize];
        let chunk = ChunkEntry { object, start: first * 2 * SECOND, segments: entries };
        let mut page = Page::default();
        page.tracks.insert(picture.clone(), vec![chunk]);
        if nth == 0 {
            let segments = vec![caption];
            let chunk = ChunkEntry { object: keys::text_object(1), start: 0, segments };
            page.tracks.insert(text.clone(), vec![chunk]);
        }
        let object = format!("page-{nth:04}.json");
        put(keys::index(video, 1, &object), serde_json::to_vec(&page).unwrap()).await;
        pages.push(PageRef { object, segments: page.counts() });
    }
    let mut head = head(video, picture, text, Page::default(), segments * 2);
    head.pages = pages;
    put(keys::head(video, 1), serde_json::to_vec(&head).unwrap()).await;
}

#[async_trait]
impl ObjectStore for SlowStore {
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.files.head(key).await
    }

    async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        self.files.get(key).await
    }

    async fn get_range(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let began = Instant::now();
        tokio::time::sleep(Duration::from_micros(self.takes_us.load(Ordering::SeqCst))).await;
        let read = self.files.get_range(key, range).await;
        self.last_us.store(began.elapsed().as_micros() as u64, Ordering::SeqCst);
        read
    }

    async fn put(&self, key: &Key, body: Bytes, condition: Condition) -> Result<Put, StoreError> {
        self.files.put(key, body, condition).await
    }

    async fn put_file(
        &self,
        key: &Key,
        file: &Path,
        condition: Condition,
    ) -> Result<Put, StoreError> {
        self.files.put_file(key, file, condition).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        self.files.delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        self.files.list(prefix, after, limit).await
    }
}
