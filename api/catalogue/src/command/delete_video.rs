//! Taking a video away.

use kinora_db::{outbox, retrying};
use kinora_media::{AccountId, TraceContext, VideoId};
use kinora_queue::EventData;
use kinora_store::keys;

use crate::{
    core::Core,
    error::Error,
    model::UploadId,
    repository::{
        captions, media, uploads,
        videos::{self, Deletion},
    },
    upload::finish::PRODUCER,
};

/// Deletes an owner's video; one that was deleted before stays so. Transcoding hears of it by
/// the event and removes source and media; what never got there is removed here.
///
/// # Errors
/// [`Error::NoVideo`] when the caller never had one of that id.
pub(crate) async fn delete(
    core: &Core,
    account: &AccountId,
    video: VideoId,
    trace: Option<TraceContext>,
) -> Result<(), Error> {
    let now_us = core.clock.now_us();
    let (deletion, upload) = retrying(|| mark(core, account, video, trace, now_us)).await?;
    let cleanup = match deletion {
        Deletion::Missing => return Err(Error::NoVideo),
        Deletion::Before => return Ok(()),
        Deletion::Marked { cleanup } => cleanup,
    };
    core.db.wake_outbox();
    let trace_id = trace.map(|trace| trace.trace_id());
    tracing::info!(video.id = %video, trace_id, "video deleted");
    let freed = async {
        if let Some(upload) = upload {
            let _held = core.locks.take_over(upload).await;
            core.spool.remove(upload).await?;
        }
        if cleanup { clean(core, video).await } else { Ok(()) }
    };
    if let Err(error) = freed.await {
        // The video is gone all the same; the sweeper tries again.
        tracing::warn!(video.id = %video, %error, "a deleted video's bytes stay for now");
    }
    Ok(())
}

/// Marks it, with all that follows in the tables; the upload that was under way.
async fn mark(
    core: &Core,
    account: &AccountId,
    video: VideoId,
    trace: Option<TraceContext>,
    now_us: i64,
) -> Result<(Deletion, Option<UploadId>), Error> {
    let mut tx = core.db.begin_write().await?;
    let deletion = videos::mark_deleted(&mut tx, account, video, now_us).await?;
    if !matches!(deletion, Deletion::Marked { .. }) {
        return Ok((deletion, None));
    }
    let upload = uploads::active_of(&mut tx, video).await?;
    uploads::end_all_of(&mut tx, video, now_us).await?;
    captions::forget(&mut tx, video).await?;
    media::forget(&mut tx, video).await?;
    outbox::append(&mut tx, PRODUCER, account, video, EventData::Deleted, trace, now_us).await?;
    tx.commit().await?;
    Ok((deletion, upload))
}

/// Removes the objects of a deleted video that was never handed to transcoding.
pub(crate) async fn clean(core: &Core, video: VideoId) -> Result<(), Error> {
    const BATCH: usize = 100;
    loop {
        let found = core.store.list(&keys::source_folder(video), None, BATCH).await?;
        for object in &found {
            core.store.delete(&object.key).await?;
        }
        if found.len() < BATCH {
            break;
        }
    }
    retrying(|| cleaned(core, video)).await
}

async fn cleaned(core: &Core, video: VideoId) -> Result<(), Error> {
    let mut tx = core.db.begin_write().await?;
    videos::cleaned(&mut tx, video).await?;
    Ok(tx.commit().await?)
}
