use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use kinora_store::{Condition, FsStore, ObjectMeta, Put};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;

/// Counts what the real store is asked for.
#[derive(Debug)]
struct Counting {
    inner: FsStore,
    reads: AtomicUsize,
}

#[async_trait]
impl ObjectStore for Counting {
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.inner.head(key).await
    }

    async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.get_range(key, range).await
    }

    async fn put(&self, key: &Key, body: Bytes, condition: Condition) -> Result<Put, StoreError> {
        self.inner.put(key, body, condition).await
    }

    async fn put_file(
        &self,
        key: &Key,
        file: &Path,
        condition: Condition,
    ) -> Result<Put, StoreError> {
        self.inner.put_file(key, file, condition).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        self.inner.delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        self.inner.list(prefix, after, limit).await
    }
}

struct Setup {
    _folder: TempDir,
    store: Arc<Counting>,
    cache: Arc<SourceCache>,
    key: Key,
}

impl Setup {
    /// A source of `size` bytes, each its offset modulo 251.
    async fn new(size: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inner = FsStore::open(folder.path().join("store")).unwrap();
        let store = Arc::new(Counting { inner, reads: AtomicUsize::new(0) });
        let cache = Arc::new(SourceCache::new(Arc::clone(&store) as _, 0));
        let key = Key::new("sources/x/original").unwrap();
        let body: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        store.put(&key, body.into(), Condition::Absent).await.unwrap();
        Self { _folder: folder, store, cache, key }
    }

    async fn read(&self, size: u64, offset: u64, length: u64) -> Result<Vec<u8>, SourceError> {
        let range = ByteRange { offset, length };
        Ok(self.cache.read(&self.key, size, range).await?.concat())
    }

    fn reads(&self) -> usize {
        self.store.reads.swap(0, Ordering::Relaxed)
    }
}

#[tokio::test]
async fn ranges_cross_blocks_and_end_with_the_source() {
    let size = 2 * BLOCK + 100;
    let setup = Setup::new(size).await;
    for (offset, length, expected) in [
        (0, 5, 5),
        (BLOCK - 2, 4, 4),
        (10, size, size - 10),
        (size - 1, 9, 1),
        (size, 9, 0),
        (u64::MAX, 9, 0),
    ] {
        let bytes = setup.read(size, offset, length).await.unwrap();
        let start = offset.min(size);
        let right: Vec<u8> = (start..start + expected).map(|n| (n % 251) as u8).collect();
        assert!(bytes == right, "{length} bytes at {offset}");
    }
    assert_eq!(setup.reads(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_at_the_same_time_shares_one_read() {
    let setup = Arc::new(Setup::new(BLOCK).await);
    let mut readers = JoinSet::new();
    for n in 0..20 {
        let setup = Arc::clone(&setup);
        readers.spawn(async move { setup.read(BLOCK, n, 7).await.unwrap().len() });
    }
    assert_eq!(readers.join_all().await, [7; 20]);
    assert_eq!(setup.reads(), 1);
}

#[tokio::test]
async fn memory_is_bounded_and_what_was_read_last_stays() {
    let blocks = LEAST_BLOCKS as u64;
    let size = (blocks + 1) * BLOCK;
    let setup = Setup::new(size).await;
    for index in 0..blocks {
        setup.read(size, index * BLOCK, 1).await.unwrap();
    }
    setup.read(size, 0, 1).await.unwrap();
    setup.read(size, blocks * BLOCK, 1).await.unwrap();
    assert_eq!(setup.reads(), LEAST_BLOCKS + 1);
    setup.read(size, 0, 1).await.unwrap();
    assert_eq!(setup.reads(), 0, "the block that was just used is there");
    setup.read(size, BLOCK, 1).await.unwrap();
    assert_eq!(setup.reads(), 1, "the one that was not used for longest is gone");
    assert_eq!(setup.cache.entries(|blocks| blocks.len()), LEAST_BLOCKS);
}

#[tokio::test]
async fn idle_blocks_are_dropped() {
    let setup = Setup::new(10).await;
    setup.read(10, 0, 1).await.unwrap();
    setup.cache.drop_idle(Instant::now() + IDLE / 2);
    assert_eq!(setup.cache.entries(|blocks| blocks.len()), 1);
    setup.cache.drop_idle(Instant::now() + IDLE);
    assert_eq!(setup.cache.entries(|blocks| blocks.len()), 0);
}

#[tokio::test]
async fn a_source_that_ends_early_or_is_gone_is_an_error() {
    let setup = Setup::new(10).await;
    let error = setup.read(20, 0, 1).await.unwrap_err();
    assert!(matches!(error, SourceError::Short { end: 10 }), "{error}");
    assert!(setup.store.delete(&setup.key).await.unwrap());
    let error = setup.read(20, 0, 1).await.unwrap_err();
    assert!(matches!(error, SourceError::Missing), "{error}");
}
