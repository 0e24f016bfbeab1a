//! Removing the objects of an encode that failed or was deleted.

use std::collections::BTreeMap;

use kinora_media::{Access, Encryption, HEAD_SCHEMA, Head, Page, Status, VideoId};
use kinora_store::{Key, keys};

use crate::{
    error::TranscodingError,
    publisher::swap::{self, Current, Swapped},
    repository::chores::DueChore,
    service::Transcoding,
    state::{Chore, VideoState},
};

/// Objects a listing.
const BATCH: usize = 500;
/// How often the tombstone is tried against writers that are faster.
const TRIES: usize = 5;
/// Workers that hear a cancellation have stopped by then.
const FIRST_LOOK_US: i64 = 5 * 1_000_000;

/// Puts the tombstone up, then removes the media, and the source of a deleted video. Jobs that ran
/// are only being told to stop, so it is looked again for what they still write.
pub(super) async fn remove(
    service: &Transcoding,
    chore: &DueChore,
) -> Result<(Chore, i64), TranscodingError> {
    bury(service, chore.video, chore.version).await?;
    let head = keys::head(chore.video, chore.version);
    clear_all(service, chore, Some(&head)).await?;
    Ok((Chore::Forget, service.now_us().saturating_add(FIRST_LOOK_US)))
}

/// Removes what late workers wrote meanwhile. The tombstone stands until no worker can be left that
/// writes; then it goes, too. Until then the next look comes after as long as the tombstone has
/// stood: what is seldom late is found late, and no deletion costs many listings.
pub(super) async fn forget(
    service: &Transcoding,
    chore: &DueChore,
) -> Result<Option<(Chore, i64)>, TranscodingError> {
    let current = swap::read(service, chore.video, chore.version).await?;
    let since_us = current.map(|current| current.head.published_at_us);
    let now_us = service.now_us();
    let stood_us = since_us.map_or(i64::MAX, |since_us| now_us.saturating_sub(since_us));
    let stands_us = service.deps.config.tombstone_us();
    if stood_us >= stands_us {
        clear_all(service, chore, None).await?;
        return Ok(None);
    }
    clear_all(service, chore, Some(&keys::head(chore.video, chore.version))).await?;
    let pause_us = stood_us.clamp(FIRST_LOOK_US, (stands_us - stood_us).max(FIRST_LOOK_US));
    Ok(Some((Chore::Forget, now_us.saturating_add(pause_us))))
}

/// The folder of one version.
pub(super) fn folder(chore: &DueChore) -> String {
    format!("{}{}/", keys::media_folder(chore.video), chore.version)
}

async fn bury(service: &Transcoding, video: VideoId, version: u32) -> Result<(), TranscodingError> {
    for _ in 0..TRIES {
        let current = swap::read(service, video, version).await?;
        if current.as_ref().is_some_and(|current| current.head.status == Status::Deleted) {
            return Ok(());
        }
        let tombstone = tombstone(current.as_ref(), video, version);
        if swap::swap(service, current, tombstone).await? != Swapped::Lost {
            return Ok(());
        }
    }
    let what = "others kept replacing the head".to_owned();
    Err(TranscodingError::Index { video, version, what })
}

fn tombstone(current: Option<&Current>, video: VideoId, version: u32) -> Head {
    let old = current.map(|current| &current.head);
    Head {
        schema: HEAD_SCHEMA,
        video,
        version,
        revision: 0,
        writer: String::new(),
        status: Status::Deleted,
        access: old.map_or(Access::Signed, |old| old.access),
        first_published_complete: old.is_some_and(|old| old.first_published_complete),
        published_at_us: 0,
        first_published_at_us: old.map_or(0, |old| old.first_published_at_us),
        duration_us: 0,
        target_duration_s: old.map_or(1, |old| old.target_duration_s),
        tracks: Vec::new(),
        periods: Vec::new(),
        pages: Vec::new(),
        tail: Page { tracks: BTreeMap::new() },
        chapters: Vec::new(),
        pictures: None,
        encryption: Encryption::None,
    }
}

/// Removes the key and the media of an encode but `spared`, and the source of a deleted video.
async fn clear_all(
    service: &Transcoding,
    chore: &DueChore,
    spared: Option<&Key>,
) -> Result<(), TranscodingError> {
    service.deps.store.delete(&keys::secret(chore.video, chore.version)).await?;
    clear(service, &folder(chore), spared).await?;
    if chore.state == VideoState::Cancelled {
        clear(service, &keys::source_folder(chore.video), None).await?;
    }
    Ok(())
}

/// Removes everything in a folder but `spared`.
async fn clear(
    service: &Transcoding,
    folder: &str,
    spared: Option<&Key>,
) -> Result<(), TranscodingError> {
    let store = &service.deps.store;
    let mut after = None;
    loop {
        let objects = store.list(folder, after.as_ref(), BATCH).await?;
        for object in &objects {
            if spared != Some(&object.key) {
                store.delete(&object.key).await?;
            }
        }
        if objects.len() < BATCH {
            return Ok(());
        }
        after = objects.into_iter().next_back().map(|object| object.key);
    }
}
