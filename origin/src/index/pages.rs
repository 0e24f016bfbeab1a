//! Pages in memory: immutable, so read once.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use kinora_media::{Head, Page, PageRef, VideoId};
use kinora_store::{Key, ObjectStore, StoreError, keys};
use quick_cache::{Weighter, sync::Cache};

use super::IndexId;
use crate::{
    Caches,
    cache::{Failure, Flights},
};

/// How many pages are read at once for one manifest.
const READ_AT_ONCE: usize = 4;

/// The pages in memory.
#[derive(Debug)]
pub(crate) struct Pages {
    store: Arc<dyn ObjectStore>,
    pages: Arc<Cache<Key, Arc<Loaded>, PageWeight>>,
    loads: Flights<Key, Arc<Loaded>>,
}

#[derive(Debug)]
struct Loaded {
    page: Arc<Page>,
    /// Bytes as JSON, about what it takes in memory.
    size: u64,
}

#[derive(Debug, Clone)]
struct PageWeight;

impl Weighter<Key, Arc<Loaded>> for PageWeight {
    fn weight(&self, _: &Key, page: &Arc<Loaded>) -> u64 {
        256 + page.size
    }
}

impl Pages {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, caches: &Caches) -> Self {
        let weight = caches.index_bytes / 2;
        let pages = Cache::with_weighter((weight / 65_536) as usize, weight, PageWeight);
        Self { store, pages: Arc::new(pages), loads: Flights::default() }
    }

    /// One page.
    pub(crate) async fn get(&self, id: IndexId, reference: &PageRef) -> Result<Arc<Page>, Failure> {
        let key = keys::index(id.video, id.version, file_name(&reference.object)?);
        let fetch = || {
            let load = load(Arc::clone(&self.store), key.clone(), reference.clone());
            let (pages, key) = (Arc::clone(&self.pages), key.clone());
            async move {
                let loaded = load.await?;
                pages.insert(key, Arc::clone(&loaded));
                Ok(Some(loaded))
            }
        };
        let found = self.loads.join(&key, || self.pages.get(&key), fetch).await?;
        found.map(|(loaded, _)| Arc::clone(&loaded.page)).ok_or_else(|| Arc::new(absent(&key)))
    }

    /// All closed pages of a head, in order.
    pub(crate) async fn all(&self, id: IndexId, head: &Head) -> Result<Vec<Arc<Page>>, Failure> {
        let reads: Vec<_> = head.pages.iter().map(|page| self.get(id, page)).collect();
        stream::iter(reads).buffered(READ_AT_ONCE).try_collect().await
    }

    /// Forgets a video.
    pub(crate) fn purge(&self, video: VideoId) {
        let folder = keys::media_folder(video);
        self.pages.retain(|key, _| !key.as_str().starts_with(&folder));
    }
}

async fn load(
    store: Arc<dyn ObjectStore>,
    key: Key,
    reference: PageRef,
) -> Result<Arc<Loaded>, StoreError> {
    let corrupt = |what| StoreError::Corrupt { key: key.to_string(), what };
    let Some((_, body)) = store.get(&key).await? else { return Err(absent(&key)) };
    let page: Page = serde_json::from_slice(&body).map_err(|e| corrupt(e.to_string()))?;
    if page.counts() != reference.segments {
        return Err(corrupt("does not hold as many segments as the head says".into()));
    }
    Ok(Arc::new(Loaded { page: Arc::new(page), size: body.len() as u64 }))
}

fn absent(key: &Key) -> StoreError {
    let what = "the head names it, but it is not there".into();
    StoreError::Corrupt { key: key.to_string(), what }
}

/// A file name out of an index, if it is one: keys are made of it.
pub(crate) fn file_name(object: &str) -> Result<&str, StoreError> {
    if object.len() <= 64 && !object.contains('/') && Key::new(object).is_ok() {
        return Ok(object);
    }
    let what = "an index names it, but it is no file name".to_owned();
    Err(StoreError::Corrupt { key: object.to_owned(), what })
}
