//! Blocks of sources in memory, shared by all children that read the same video.
//!
//! Chunks of one video run side by side and their children read the same headers and overlapping
//! ranges: each block is fetched once, whoever asks first.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use kinora_store::{ByteRange, Key, ObjectStore, StoreError};
use tokio::{sync::OnceCell, time::Instant};
use tokio_util::sync::CancellationToken;

/// Bytes of a block.
const BLOCK: u64 = 1 << 20;
/// Fewer blocks would fight over one request.
const LEAST_BLOCKS: usize = 8;
/// A block nobody read for this long is dropped.
const IDLE: Duration = Duration::from_secs(30);

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("the source is no longer in the store")]
    Missing,
    #[error("the source in the store ends at byte {end}, before its recorded end")]
    Short { end: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug)]
pub(crate) struct SourceCache {
    store: Arc<dyn ObjectStore>,
    capacity: usize,
    blocks: Mutex<HashMap<(Key, u64), Entry>>,
}

#[derive(Debug)]
struct Entry {
    block: Arc<OnceCell<Bytes>>,
    used: Instant,
}

impl SourceCache {
    /// Holds up to `capacity_mib` of blocks.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, capacity_mib: usize) -> Self {
        Self { store, capacity: capacity_mib.max(LEAST_BLOCKS), blocks: Mutex::default() }
    }

    /// The bytes of `range` in a source of `size` bytes, in pieces; fewer only at its end.
    pub(crate) async fn read(
        &self,
        source: &Key,
        size: u64,
        range: ByteRange,
    ) -> Result<Vec<Bytes>, SourceError> {
        let end = range.offset.saturating_add(range.length).min(size);
        let mut offset = range.offset;
        let mut pieces = Vec::new();
        while offset < end {
            let index = offset / BLOCK;
            let start = index * BLOCK;
            let length = BLOCK.min(size - start);
            let block = self.block(source, index, length).await?;
            let upto = (end - start).min(length);
            pieces.push(block.slice(to_usize(offset - start)..to_usize(upto)));
            offset = start + upto;
        }
        Ok(pieces)
    }

    /// Drops what nobody reads, until the worker shuts down.
    pub(crate) async fn sweep(self: Arc<Self>, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(IDLE / 3)).await.is_some() {
            self.drop_idle(Instant::now());
        }
    }

    fn drop_idle(&self, now: Instant) {
        self.entries(|blocks| blocks.retain(|_, entry| now.duration_since(entry.used) < IDLE));
    }

    /// One block of `length` bytes. Who asks while it is being fetched waits for it; if the one
    /// that fetches fails or goes away, the next tries.
    async fn block(&self, source: &Key, index: u64, length: u64) -> Result<Bytes, SourceError> {
        let cell = self.entries(|blocks| cell(blocks, self.capacity, source, index));
        let block = cell.get_or_try_init(|| self.fetch(source, index, length)).await?;
        Ok(block.clone())
    }

    async fn fetch(&self, source: &Key, index: u64, length: u64) -> Result<Bytes, SourceError> {
        let range = ByteRange { offset: index * BLOCK, length };
        let bytes = self.store.get_range(source, range).await?.ok_or(SourceError::Missing)?;
        if bytes.len() as u64 != length {
            return Err(SourceError::Short { end: range.offset + bytes.len() as u64 });
        }
        Ok(bytes)
    }

    fn entries<T>(&self, change: impl FnOnce(&mut HashMap<(Key, u64), Entry>) -> T) -> T {
        change(&mut self.blocks.lock().expect("nothing panics while it holds this lock"))
    }
}

/// The place of a block, made if need be at the cost of the one not used for longest.
fn cell(
    blocks: &mut HashMap<(Key, u64), Entry>,
    capacity: usize,
    source: &Key,
    index: u64,
) -> Arc<OnceCell<Bytes>> {
    let (name, used) = ((source.clone(), index), Instant::now());
    if let Some(entry) = blocks.get_mut(&name) {
        entry.used = used;
        return Arc::clone(&entry.block);
    }
    if blocks.len() >= capacity {
        let oldest = blocks.iter().min_by_key(|(_, entry)| entry.used);
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            blocks.remove(&name);
        }
    }
    let block = Arc::default();
    blocks.insert(name, Entry { block: Arc::clone(&block), used });
    block
}

fn to_usize(within_a_block: u64) -> usize {
    usize::try_from(within_a_block).expect("a block fits in memory")
}

#[cfg(test)]
mod tests;
