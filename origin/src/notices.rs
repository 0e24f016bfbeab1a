//! How a publisher in the same process tells the origin that a head changed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use kinora_media::VideoId;

const COUNTERS: usize = 1024;

/// Counts, for each video, how often its head was said to have changed: what was read under
/// another count is read again. Clones share the counts, so a notice is effective when the call
/// returns and none is lost, whatever the origin is doing.
///
/// Videos share counters; a neighbour's notice costs one look at the head.
#[derive(Debug, Clone)]
pub struct Notices(Arc<[AtomicU64]>);

impl Notices {
    /// Says that the head of `version` of `video` was written: the next request sees it.
    pub fn notify_head(&self, video: VideoId, version: u32) {
        self.counter(video, version).fetch_add(1, Ordering::Release);
    }

    pub(crate) fn count(&self, video: VideoId, version: u32) -> u64 {
        self.counter(video, version).load(Ordering::Acquire)
    }

    fn counter(&self, video: VideoId, version: u32) -> &AtomicU64 {
        // The last bits of a UUIDv7 are random.
        let number = video.0.as_u128() as usize ^ version as usize;
        &self.0[number % COUNTERS]
    }
}

impl Default for Notices {
    fn default() -> Self {
        Self((0..COUNTERS).map(|_| AtomicU64::new(0)).collect())
    }
}
