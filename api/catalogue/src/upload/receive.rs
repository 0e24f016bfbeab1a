//! A PATCH.

use std::sync::Arc;

use axum::body::Body;
use kinora_media::AccountId;
use tracing::Instrument;

use super::{
    Held,
    checksum::Checksum,
    detached, find, finish,
    transfer::{End, note_received, transfer},
};
use crate::{
    core::Core,
    error::Error,
    model::{UploadId, UploadState},
    repository::uploads::UploadRow,
};

/// What a PATCH says of its body.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Where it goes.
    pub offset: u64,
    /// Its length, where the client says it.
    pub announced: Option<u64>,
    /// What it must be. Then all of it counts, or nothing.
    pub checksum: Option<Checksum>,
}

/// Takes `body` in and says where the upload stands then.
///
/// # Errors
/// [`Error::UploadLocked`] while another request writes, [`Error::OffsetMismatch`],
/// [`Error::OverLength`], [`Error::ChecksumMismatch`], [`Error::Full`], [`Error::UploadGone`] and, with
/// every byte that arrived kept unless there is a checksum, [`Error::Interrupted`] and
/// [`Error::Stopping`].
pub(crate) async fn receive(
    core: Arc<Core>,
    account: &AccountId,
    id: UploadId,
    piece: Piece,
    body: Body,
) -> Result<u64, Error> {
    let Piece { offset, announced, checksum } = piece;
    find(&core, account, id).await?;
    let held = core.locks.try_hold(id).ok_or(Error::UploadLocked)?;
    // Read again under the lock: another PATCH may have ended in between.
    let upload = find(&core, account, id).await?;
    if offset != upload.received {
        return Err(Error::OffsetMismatch { offset: upload.received });
    }
    if announced.is_some_and(|length| length > upload.size - upload.received) {
        return Err(Error::OverLength { size: upload.size });
    }
    // A client that hangs up drops this future, but what it sent is to be accounted for.
    let span = tracing::info_span!("upload", upload.id = %id, video.id = %upload.video);
    let writing = core.clone();
    let work = async move { write(&writing, &held, upload, checksum, body).await };
    detached(&core, work).instrument(span).await
}

async fn write(
    core: &Core,
    held: &Held,
    upload: UploadRow,
    checksum: Option<Checksum>,
    body: Body,
) -> Result<u64, Error> {
    if upload.state == UploadState::Finished {
        return Ok(upload.size);
    }
    if upload.received == upload.size {
        // A crash came before the end; the spool may have been handed over already.
        finish::finish(core, held, &upload).await?;
        return Ok(upload.size);
    }
    let mut spool = core.spool.append_at(upload.id, upload.received).await?;
    if spool.end() < upload.received {
        return Err(rewind(core, &upload, spool.end()).await?);
    }
    let (offset, end) = match transfer(core, held, &upload, &mut spool, checksum, body).await {
        Ok(reached) => reached,
        Err((offset, error)) => {
            tracing::warn!(%error, upload.offset = offset, "an upload could not be written");
            return Err(error);
        }
    };
    tracing::debug!(upload.offset = offset, ?end, "a PATCH ended");
    match end {
        End::OverLength => return Err(Error::OverLength { size: upload.size }),
        End::Mismatch => return Err(Error::ChecksumMismatch { offset }),
        End::TakenOver => return Err(Error::UploadGone),
        _ => {}
    }
    if offset == upload.size {
        finish::finish(core, held, &upload).await?;
        return Ok(offset);
    }
    match end {
        End::Whole => Ok(offset),
        End::Stopping => Err(Error::Stopping),
        _ => Err(Error::Interrupted { offset }),
    }
}

/// Puts an upload back to what its spool still holds, after the filesystem lost durable bytes.
pub(super) async fn rewind(core: &Core, upload: &UploadRow, held: u64) -> Result<Error, Error> {
    tracing::error!(
        upload.id = %upload.id, upload.offset = upload.received, spool.length = held,
        "the upload folder lost bytes that were durable; the client has to send them again"
    );
    note_received(core, upload, held).await?;
    Ok(Error::OffsetMismatch { offset: held })
}
