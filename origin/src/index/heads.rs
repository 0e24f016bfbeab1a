//! Heads in memory: read once for all who ask at the same time, and looked at again when they
//! may have changed.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use kinora_store::{ObjectStore, StoreError, keys};
use quick_cache::{Weighter, sync::Cache};
use tokio::sync::Mutex;

use super::{Index, IndexId, Unavailable};
use crate::{Caches, Notices};

/// How long "there is none" and "the store fails" are believed.
const ABSENT_LIFE: Duration = Duration::from_secs(1);

/// The heads in memory.
#[derive(Debug)]
pub(crate) struct Heads {
    store: Arc<dyn ObjectStore>,
    notices: Notices,
    complete_life: Duration,
    slots: Cache<IndexId, Arc<Slot>, SlotWeight>,
}

/// What is known of one head. Replaced, never changed: the cache counts its weight.
#[derive(Debug, Default)]
struct Slot {
    /// Held by the one who looks, while others wait for what is seen.
    looking: Arc<Mutex<()>>,
    seen: Option<Seen>,
}

#[derive(Debug, Clone)]
struct Seen {
    found: Result<Option<Arc<Index>>, Unavailable>,
    at: Instant,
    life: Duration,
    /// The count of notices before the look.
    notices: u64,
}

#[derive(Debug, Clone)]
struct SlotWeight;

impl Weighter<IndexId, Arc<Slot>> for SlotWeight {
    fn weight(&self, _: &IndexId, slot: &Arc<Slot>) -> u64 {
        let index = slot.seen.as_ref().and_then(Seen::index);
        256 + index.map_or(0, |index| index.size)
    }
}

impl Seen {
    fn index(&self) -> Option<&Arc<Index>> {
        self.found.as_ref().ok()?.as_ref()
    }
}

impl Heads {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, notices: Notices, caches: &Caches) -> Self {
        let weight = caches.index_bytes / 2;
        let slots = Cache::with_weighter((weight / 16_384) as usize, weight, SlotWeight);
        Self { store, notices, complete_life: caches.complete_head_life, slots }
    }

    /// The index as of its life, or as of `youngest` if that is shorter. `None` if there is none.
    pub(crate) async fn get(
        &self,
        id: IndexId,
        youngest: Duration,
    ) -> Result<Option<Arc<Index>>, Unavailable> {
        let slot = self.slot(id);
        if let Some(found) = self.fresh(id, &slot, youngest) {
            return found;
        }
        let looking = Arc::clone(&slot.looking);
        let _one = looking.lock().await;
        // Somebody may have looked while we waited.
        let slot = self.slot(id);
        if let Some(found) = self.fresh(id, &slot, youngest) {
            return found;
        }
        let seen = self.look(id, slot.seen.as_ref().and_then(Seen::index)).await;
        let found = seen.found.clone();
        let slot = Slot { looking: Arc::clone(&looking), seen: Some(seen) };
        self.slots.insert(id, Arc::new(slot));
        found
    }

    /// Whether `index` may still be taken for the present revision, without a look.
    pub(crate) fn is_fresh(&self, index: &Index) -> bool {
        let notices = self.notices.count(index.id.video, index.id.version);
        index.freshness.is(Instant::now(), notices)
    }

    fn slot(&self, id: IndexId) -> Arc<Slot> {
        match self.slots.get_or_insert_with(&id, || Ok::<_, Infallible>(Arc::default())) {
            Ok(slot) => slot,
        }
    }

    fn fresh(
        &self,
        id: IndexId,
        slot: &Slot,
        youngest: Duration,
    ) -> Option<Result<Option<Arc<Index>>, Unavailable>> {
        let seen = slot.seen.as_ref()?;
        let unnoticed = seen.notices == self.notices.count(id.video, id.version);
        (unnoticed && seen.at.elapsed() < seen.life.min(youngest)).then(|| seen.found.clone())
    }

    async fn look(&self, id: IndexId, known: Option<&Arc<Index>>) -> Seen {
        let notices = self.notices.count(id.video, id.version);
        let (found, life) = match self.load(id, known).await {
            Ok(Some(index)) => {
                let life =
                    if index.is_growing() { index.half_target() } else { self.complete_life };
                (Ok(Some(index)), life)
            }
            Ok(None) => (Ok(None), ABSENT_LIFE),
            Err(error) => {
                tracing::error!(video.id = %id.video, %error, "cannot read the segment index");
                // What was true a moment ago keeps players going while the store is away.
                (known.map(|index| Some(Arc::clone(index))).ok_or(Unavailable), ABSENT_LIFE)
            }
        };
        let at = Instant::now();
        if let Ok(Some(index)) = &found {
            index.freshness.renew(at, life, notices);
        }
        Seen { found, at, life, notices }
    }

    async fn load(
        &self,
        id: IndexId,
        known: Option<&Arc<Index>>,
    ) -> Result<Option<Arc<Index>>, StoreError> {
        let key = keys::head(id.video, id.version);
        if let Some(known) = known {
            match self.store.head(&key).await? {
                None => return Ok(None),
                Some(meta) if meta.etag == known.etag => return Ok(Some(Arc::clone(known))),
                Some(_) => {}
            }
        }
        match self.store.get(&key).await? {
            Some((meta, body)) => Index::read(id, &key, meta.etag, &body).map(Arc::new).map(Some),
            None => Ok(None),
        }
    }
}
