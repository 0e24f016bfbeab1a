//! What time and crashes leave behind.

use std::{sync::Arc, time::Duration};

use kinora_db::retrying;
use tokio_util::sync::CancellationToken;

use super::finish;
use crate::{
    command::delete_video,
    core::Core,
    error::Error,
    model::{Reason, State, UploadId, UploadState},
    repository::{
        uploads::{self, UploadRow},
        videos,
    },
};

const EVERY: Duration = Duration::from_secs(60);
/// How long an upload that was given up is known as gone, microseconds: a week.
const REMEMBER_US: i64 = 7 * 24 * 3600 * 1_000_000;
/// Deleted videos a round.
const CLEANUPS: u32 = 100;

pub(crate) async fn run(core: &Arc<Core>, shutdown: &CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = once(core).await {
            tracing::warn!(%error, "uploads could not be swept; trying again");
        }
    }
}

/// One round. What fails for one upload or video is logged and left for the next.
pub(crate) async fn once(core: &Arc<Core>) -> Result<(), Error> {
    let now_us = core.clock.now_us();
    for upload in uploads::overdue(core.db.read(), now_us).await? {
        report(&upload, "expire", expire(core, &upload, now_us).await);
    }
    for upload in uploads::complete(core.db.read()).await? {
        report(&upload, "finish", resume_finish(core.clone(), upload.id).await);
    }
    for video in videos::awaiting_cleanup(core.db.read(), CLEANUPS).await? {
        if let Err(error) = delete_video::clean(core, video).await {
            tracing::warn!(video.id = %video, %error, "objects of a deleted video stay behind");
        }
    }
    orphans(core, true).await?;
    retrying(|| forget(core, now_us - REMEMBER_US)).await
}

async fn forget(core: &Core, before_us: i64) -> Result<(), Error> {
    let mut tx = core.db.begin_write().await?;
    uploads::forget(&mut tx, before_us).await?;
    Ok(tx.commit().await?)
}

fn report(upload: &UploadRow, action: &'static str, result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::warn!(upload.id = %upload.id, video.id = %upload.video, action, %error, "sweep");
    }
}

async fn expire(core: &Core, upload: &UploadRow, now_us: i64) -> Result<(), Error> {
    // One that is being written to makes progress after all.
    let Some(_held) = core.locks.try_hold(upload.id) else { return Ok(()) };
    if !retrying(|| note_expiry(core, upload, now_us)).await? {
        return Ok(());
    }
    tracing::info!(upload.id = %upload.id, video.id = %upload.video, "upload expired");
    core.spool.remove(upload.id).await
}

async fn note_expiry(core: &Core, upload: &UploadRow, now_us: i64) -> Result<bool, Error> {
    let mut tx = core.db.begin_write().await?;
    if !uploads::expire(&mut tx, upload.id, now_us).await? {
        return Ok(false);
    }
    let reason = Reason::new("upload_expired", "The upload was not continued in time");
    videos::advance(&mut tx, upload.video, State::Failed, Some(&reason), now_us).await?;
    tx.commit().await?;
    Ok(true)
}

/// Finishes an upload of which every byte is durable, unless somebody is at it.
pub(crate) async fn resume_finish(core: Arc<Core>, id: UploadId) -> Result<(), Error> {
    let Some(held) = core.locks.try_hold(id) else { return Ok(()) };
    let row = uploads::find(core.db.read(), id).await?;
    let complete = |row: &UploadRow| row.state == UploadState::Active && row.received == row.size;
    match row.filter(complete) {
        Some(row) => finish::finish(&core, &held, &row).await,
        None => Ok(()),
    }
}

/// A file in the spool that no upload needs.
pub(crate) struct Orphan {
    pub(crate) upload: UploadId,
    pub(crate) bytes: u64,
    pub(crate) written_at_us: i64,
}

/// Finds spool files of uploads that ended, and removes them if `apply`. Files are made only while
/// their row is active, so none can be too young.
pub(crate) async fn orphans(core: &Core, apply: bool) -> Result<Vec<Orphan>, Error> {
    let mut orphans = Vec::new();
    for upload in core.spool.list().await? {
        let Some(_held) = core.locks.try_hold(upload) else { continue };
        let row = uploads::find(core.db.read(), upload).await?;
        if row.is_some_and(|row| row.state == UploadState::Active) {
            continue;
        }
        let bytes = core.spool.length(upload).await?;
        let Some(written_at_us) = core.spool.written_at_us(upload).await? else { continue };
        if apply {
            core.spool.remove(upload).await?;
            tracing::info!(upload.id = %upload, "removed a spool file that no upload needs");
        }
        orphans.push(Orphan { upload, bytes: bytes.unwrap_or(0), written_at_us });
    }
    Ok(orphans)
}
