//! The segment index as the origin reads it: heads that are looked at again, pages that never
//! change.

mod freshness;
mod heads;
mod pages;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use kinora_media::{HEAD_SCHEMA, Head, SegmentLocation, Status, TrackId, VideoId};
use kinora_store::{Key, StoreError};

use crate::cache::Failure;

use self::freshness::Freshness;

pub(crate) use heads::Heads;
pub(crate) use pages::{Pages, file_name};

/// Which index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct IndexId {
    pub(crate) video: VideoId,
    pub(crate) version: u32,
}

/// One revision of a head.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) id: IndexId,
    pub(crate) head: Head,
    /// Of the head's object: names this revision even after the head was rebuilt.
    pub(crate) etag: String,
    /// Bytes as JSON, about what it takes in memory.
    size: u64,
    freshness: Freshness,
    /// Whether what is in memory of a deleted video was let go of.
    forgotten: AtomicBool,
}

/// The store does not answer, or not with an index. Logged where it was noticed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unavailable;

/// The number players know the first segment of a track by.
pub(crate) const FIRST_SEGMENT: u64 = 0;

impl Index {
    /// Reads and checks a head's bytes.
    fn read(id: IndexId, key: &Key, etag: String, body: &Bytes) -> Result<Self, StoreError> {
        let corrupt = |what| StoreError::Corrupt { key: key.to_string(), what };
        let head: Head =
            serde_json::from_slice(body).map_err(|error| corrupt(error.to_string()))?;
        if head.schema != HEAD_SCHEMA {
            return Err(corrupt(format!("schema {}, known is {HEAD_SCHEMA}", head.schema)));
        }
        if (head.video, head.version) != (id.video, id.version) {
            return Err(corrupt(format!("is of {}/{}", head.video, head.version)));
        }
        Ok(Self {
            id,
            head,
            etag,
            size: body.len() as u64,
            freshness: Freshness::default(),
            forgotten: AtomicBool::default(),
        })
    }

    pub(crate) fn is_growing(&self) -> bool {
        self.head.status == Status::Growing
    }

    /// Whether this is a tombstone that nobody acted on yet.
    pub(crate) fn is_newly_deleted(&self) -> bool {
        self.head.status == Status::Deleted && !self.forgotten.swap(true, Ordering::Relaxed)
    }

    /// How old a growing head may get before it is looked at again.
    pub(crate) fn half_target(&self) -> Duration {
        Duration::from_secs(u64::from(self.head.target_duration_s.max(1))) / 2
    }

    /// When the first segments could be fetched. Files that never change carry this date.
    pub(crate) fn first_published(&self) -> SystemTime {
        time(self.head.first_published_at_us / 1_000_000)
    }

    /// When this revision was written: rounded down while it grows, up once it does not, so that
    /// the last revision is never dated like the one before.
    pub(crate) fn published(&self) -> SystemTime {
        let us = self.head.published_at_us;
        let up = if self.is_growing() { 0 } else { 999_999 };
        // A date in the future must not be said (RFC 9110 8.8.2.1).
        time(us.saturating_add(up) / 1_000_000).min(whole_seconds(SystemTime::now()))
    }

    /// Where to find the segment that players call `number`; `None` if it is not listed.
    pub(crate) async fn segment(
        &self,
        pages: &Pages,
        track: &TrackId,
        number: u64,
    ) -> Result<Option<SegmentLocation>, Failure> {
        let Some(mut nth) = number.checked_sub(FIRST_SEGMENT) else { return Ok(None) };
        for reference in &self.head.pages {
            let count = reference.segments.get(track).copied().unwrap_or(0);
            if nth < count {
                let page = pages.get(self.id, reference).await?;
                return Ok(page.segments(track).nth(nth as usize));
            }
            nth -= count;
        }
        let nth = usize::try_from(nth).unwrap_or(usize::MAX);
        Ok(self.head.tail.segments(track).nth(nth))
    }
}

fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
