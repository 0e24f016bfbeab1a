//! From the last byte to the event that sets the pipeline going.

use kinora_db::{DbError, outbox, retrying};
use kinora_media::{AccountId, VideoId};
use kinora_queue::{EventData, UploadedCaptions};
use kinora_store::{Condition, Key, Put, StoreError, keys};
use sqlx::AnyConnection;

use super::{Held, receive::rewind};
use crate::{
    core::Core,
    error::Error,
    model::{Reason, State, UploadState, Visibility},
    repository::{
        captions,
        uploads::{self, UploadRow},
        videos::{self, Source, VideoHead},
    },
};

/// The catalogue's name among the producers of events.
pub(crate) const PRODUCER: &str = "catalogue";

/// The encode that an upload leads to.
const FIRST_VERSION: u32 = 1;

/// Finishes an upload of which every byte is durable. Doing it again after a crash anywhere in
/// it, or after it was done, ends in the same state: the store knows whether the bytes were
/// handed over, the row whether the event was written.
pub(crate) async fn finish(core: &Core, _held: &Held, upload: &UploadRow) -> Result<(), Error> {
    let key = keys::source(upload.video);
    hand_over(core, upload, &key).await?;
    if !retrying(|| announce(core, upload)).await? {
        // Terminated or deleted in the meantime, so these bytes are nobody's.
        core.store.delete(&key).await?;
        core.spool.remove(upload.id).await?;
        return Err(Error::UploadGone);
    }
    core.db.wake_outbox();
    core.spool.remove(upload.id).await?;
    tracing::info!(upload.id = %upload.id, video.id = %upload.video, upload.size, "upload finished");
    Ok(())
}

/// Ends an upload of no bytes: tus allows it, but there is nothing to encode.
pub(super) async fn refuse_empty(
    connection: &mut AnyConnection,
    upload: &UploadRow,
    now_us: i64,
) -> Result<(), DbError> {
    uploads::end(connection, upload.id, UploadState::Finished, now_us).await?;
    let reason = Reason::new("empty_file", "The file is empty");
    videos::advance(connection, upload.video, State::Failed, Some(&reason), now_us).await?;
    Ok(())
}

/// Moves the bytes into the object store, unless they are there already.
async fn hand_over(core: &Core, upload: &UploadRow, key: &Key) -> Result<(), Error> {
    if let Some(stored) = core.store.head(key).await? {
        return expect_size(key, stored.size, upload.size);
    }
    let length = core.spool.length(upload.id).await?.unwrap_or(0);
    if length != upload.size {
        return Err(rewind(core, upload, length.min(upload.size)).await?);
    }
    let path = core.spool.path(upload.id);
    match core.store.put_file(key, &path, Condition::Absent).await? {
        Put::Stored { .. } => Ok(()),
        Put::ConditionFailed => {
            let stored = core.store.head(key).await?.map_or(0, |stored| stored.size);
            expect_size(key, stored, upload.size)
        }
    }
}

/// Only this upload writes this key, so an object of another length is a damaged one.
fn expect_size(key: &Key, stored: u64, expected: u64) -> Result<(), Error> {
    if stored == expected {
        return Ok(());
    }
    let what = format!("{stored} bytes are stored, {expected} were uploaded");
    Err(StoreError::Corrupt { key: key.to_string(), what }.into())
}

/// The row change and the event, in one transaction; whether the upload was still ours to finish.
async fn announce(core: &Core, upload: &UploadRow) -> Result<bool, Error> {
    let (video, now_us) = (upload.video, core.clock.now_us());
    let mut tx = core.db.begin_write().await?;
    if !uploads::end(&mut tx, upload.id, UploadState::Finished, now_us).await? {
        return Ok(false);
    }
    let Some(head) = videos::head(&mut tx, &upload.account, video).await? else {
        return Ok(false);
    };
    videos::set_source(&mut tx, video, upload.size).await?;
    videos::advance(&mut tx, video, State::Queued, None, now_us).await?;
    let source = Source { size: upload.size, version: FIRST_VERSION };
    append(&mut tx, &upload.account, video, head, source, now_us).await?;
    tx.commit().await?;
    Ok(true)
}

/// Puts the event that sets the pipeline going into the outbox.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    account: &AccountId,
    video: VideoId,
    head: VideoHead,
    source: Source,
    now_us: i64,
) -> Result<(), DbError> {
    let captions = captions::of_video(connection, video).await?.into_iter();
    let captions = captions.map(|row| UploadedCaptions {
        language: row.language.to_string(),
        name: row.name,
        key: row.object.to_string(),
    });
    let uploaded = EventData::Uploaded {
        source_key: keys::source(video).to_string(),
        size: source.size,
        signed: head.visibility == Visibility::Private,
        captions: captions.collect(),
        profile: head.profile,
        priority: head.priority,
        version: source.version,
    };
    outbox::append(connection, PRODUCER, account, video, uploaded, head.trace, now_us).await?;
    Ok(())
}
