//! Pages in memory: immutable, so read once.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use kinora_media::{Head, Page, PageRef};
use kinora_store::{Key, ObjectStore, StoreError, keys};
use quick_cache::{Weighter, sync::Cache};

use super::IndexId;
use crate::Caches;

/// How many pages are read at once for one manifest.
const READ_AT_ONCE: usize = 4;

/// The pages in memory.
#[derive(Debug)]
pub(crate) struct Pages {
    store: Arc<dyn ObjectStore>,
    pages: Cache<(IndexId, String), Arc<Loaded>, PageWeight>,
}

#[derive(Debug)]
struct Loaded {
    page: Arc<Page>,
    /// Bytes as JSON, about what it takes in memory.
    size: u64,
}

#[derive(Debug, Clone)]
struct PageWeight;

impl Weighter<(IndexId, String), Arc<Loaded>> for PageWeight {
    fn weight(&self, _: &(IndexId, String), page: &Arc<Loaded>) -> u64 {
        256 + page.size
    }
}

impl Pages {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, caches: &Caches) -> Self {
        let weight = caches.index_bytes / 2;
        Self { store, pages: Cache::with_weighter((weight / 65_536) as usize, weight, PageWeight) }
    }

    /// One page.
    pub(crate) async fn get(
        &self,
        id: IndexId,
        reference: &PageRef,
    ) -> Result<Arc<Page>, StoreError> {
        let key = (id, reference.object.clone());
        let page = self.pages.get_or_insert_async(&key, self.load(id, reference)).await?;
        Ok(Arc::clone(&page.page))
    }

    /// All closed pages of a head, in order.
    pub(crate) async fn all(&self, id: IndexId, head: &Head) -> Result<Vec<Page>, StoreError> {
        let reads: Vec<_> = head.pages.iter().map(|page| self.get(id, page)).collect();
        let pages = stream::iter(reads).buffered(READ_AT_ONCE);
        pages.map_ok(|page| Page::clone(&page)).try_collect().await
    }

    async fn load(&self, id: IndexId, reference: &PageRef) -> Result<Arc<Loaded>, StoreError> {
        let key = keys::index(id.video, id.version, file_name(&reference.object)?);
        let corrupt = |what| StoreError::Corrupt { key: key.to_string(), what };
        let Some((_, body)) = self.store.get(&key).await? else {
            return Err(corrupt("the head names it, but it is not there".into()));
        };
        let page: Page = serde_json::from_slice(&body).map_err(|e| corrupt(e.to_string()))?;
        if page.counts() != reference.segments {
            return Err(corrupt("does not hold as many segments as the head says".into()));
        }
        Ok(Arc::new(Loaded { page: Arc::new(page), size: body.len() as u64 }))
    }
}

/// A file name out of an index, if it is one: keys are made of it.
pub(crate) fn file_name(object: &str) -> Result<&str, StoreError> {
    if object.len() <= 64 && !object.contains('/') && Key::new(object).is_ok() {
        return Ok(object);
    }
    let what = "an index names it, but it is no file name".to_owned();
    Err(StoreError::Corrupt { key: object.to_owned(), what })
}
