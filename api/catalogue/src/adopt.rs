//! Videos that the store has and the tables have not: after a restore, what came since the backup.

use kinora_db::{Clock, Database, DbError, retrying};
use kinora_media::{AccountId, Priority, VideoId};
use kinora_store::{Key, ObjectStore, keys};

use crate::{
    error::Error,
    model::{State, UploadId, UploadState, Visibility},
    repository::{
        uploads::{self, UploadRow},
        videos::{self, NewVideo, Source},
    },
    upload::finish,
};

/// Objects a listing.
const BATCH: usize = 500;

/// A video that was found in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// Its id, as its objects have it.
    pub video: VideoId,
    /// Of its source.
    pub bytes: u64,
    /// The encode that it leads to: one more than the store has objects of, for what those hold
    /// stands in no table.
    pub version: u32,
}

/// Finds sources that no video names, deleted ones included. Where `take` is set they become private
/// videos of `account` and are encoded as if just uploaded; what they were called and which captions
/// they had is not known any more. Nobody else may be at work on the tables.
///
/// # Errors
/// The database or the store does not answer.
pub async fn adopt(
    db: &Database,
    store: &dyn ObjectStore,
    clock: &Clock,
    account: &AccountId,
    take: bool,
) -> Result<Vec<Adopted>, Error> {
    let (mut adopted, mut after) = (Vec::new(), None);
    loop {
        let page = store.list("sources/", after.as_ref(), BATCH).await?;
        let Some(last) = page.last() else { return Ok(adopted) };
        after = Some(last.key.clone());
        for object in &page {
            let Some(video) = source_of(&object.key) else { continue };
            if videos::is_known(db.read(), video).await? {
                continue;
            }
            let version = next_version(store, video).await?;
            let found = Adopted { video, bytes: object.size, version };
            if take {
                retrying(|| insert(db, clock, account, found)).await?;
            }
            adopted.push(found);
        }
    }
}

/// The video whose source an object is.
fn source_of(key: &Key) -> Option<VideoId> {
    let video = key.as_str().strip_prefix("sources/")?.strip_suffix("/original")?.parse().ok()?;
    (keys::source(video) == *key).then_some(video)
}

/// One more than the highest of which there are objects.
async fn next_version(store: &dyn ObjectStore, video: VideoId) -> Result<u32, Error> {
    let folder = keys::media_folder(video);
    let (mut highest, mut after) = (0, None);
    loop {
        let page = store.list(&folder, after.as_ref(), BATCH).await?;
        let Some(last) = page.last() else { return Ok(highest + 1) };
        after = Some(last.key.clone());
        for object in &page {
            let below = object.key.as_str().strip_prefix(&folder);
            let version = below.and_then(|below| below.split('/').next()?.parse::<u32>().ok());
            // What is not far from the last of all numbers is nobody's version.
            highest = highest.max(version.filter(|version| *version < u32::MAX / 2).unwrap_or(0));
        }
    }
}

async fn insert(
    db: &Database,
    clock: &Clock,
    account: &AccountId,
    Adopted { video, bytes, version }: Adopted,
) -> Result<(), DbError> {
    let now_us = clock.now_us();
    let new = NewVideo {
        id: video,
        account: account.clone(),
        title: format!("Recovered {video}"),
        visibility: Visibility::Private,
        file_name: None,
        profile: kinora_plan::profile::DEFAULT_PROFILE.to_owned(),
        priority: Priority::default(),
        trace: None,
    };
    let mut tx = db.begin_write().await?;
    videos::insert(&mut tx, &new, now_us).await?;
    // Its bytes count against the quota, as those of every upload that was finished.
    let upload = UploadRow {
        id: UploadId::new(),
        video,
        account: account.clone(),
        state: UploadState::Finished,
        size: bytes,
        received: bytes,
        metadata: None,
        expires_at_us: now_us,
    };
    uploads::insert(&mut tx, &upload, now_us).await?;
    videos::set_source(&mut tx, video, bytes).await?;
    videos::set_version(&mut tx, video, version).await?;
    videos::advance(&mut tx, video, State::Queued, None, now_us).await?;
    let Some(head) = videos::head(&mut tx, account, video).await? else { return Ok(()) };
    let source = Source { size: bytes, version };
    finish::append(&mut tx, account, video, head, source, now_us).await?;
    Ok(tx.commit().await?)
}
