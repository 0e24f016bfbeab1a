//! Giving an upload up (tus "Termination").

use kinora_db::retrying;
use kinora_media::AccountId;
use kinora_store::keys;

use super::find;
use crate::{
    core::Core,
    error::Error,
    model::{Reason, State, UploadId, UploadState},
    repository::{
        uploads::{self, UploadRow},
        videos,
    },
};

/// Ends an upload and frees its bytes, stopping a PATCH that is under way. Its video fails: it
/// will never have a source.
///
/// # Errors
/// [`Error::NotAwaitingUpload`] once the upload is finished: then the video is to be deleted.
pub(crate) async fn terminate(core: &Core, account: &AccountId, id: UploadId) -> Result<(), Error> {
    let upload = find(core, account, id).await?;
    let now_us = core.clock.now_us();
    if !retrying(|| give_up(core, &upload, now_us)).await? {
        // It ended since it was read: finished, or gone.
        find(core, account, id).await?;
        return Err(Error::NotAwaitingUpload);
    }
    let _held = core.locks.take_over(id).await;
    // A crash may have come between handing the bytes over and saying so.
    core.store.delete(&keys::source(upload.video)).await?;
    core.spool.remove(id).await
}

/// Whether it had not ended before.
async fn give_up(core: &Core, upload: &UploadRow, now_us: i64) -> Result<bool, Error> {
    let mut tx = core.db.begin_write().await?;
    if !uploads::end(&mut tx, upload.id, UploadState::Terminated, now_us).await? {
        return Ok(false);
    }
    let reason = Reason::new("upload_terminated", "The upload was given up");
    videos::advance(&mut tx, upload.video, State::Failed, Some(&reason), now_us).await?;
    tx.commit().await?;
    Ok(true)
}
