//! From a request's body to durable bytes.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use kinora_db::retrying;
use tokio::time::{Instant, timeout};

use super::{Held, checksum::Checksum, spool::Spool};
use crate::{
    core::Core,
    error::Error,
    repository::uploads::{self, UploadRow},
};

/// Bytes of a body that wait in memory to be written together.
const BATCH_BYTES: usize = 512 << 10;
/// The offset advances in the middle of a PATCH after this many bytes…
const CHECKPOINT_BYTES: u64 = 32 << 20;
/// …or after this long: what a crash of ours costs the client at most.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);

/// How a body came to an end.
#[derive(Debug)]
pub(super) enum End {
    /// All of it arrived.
    Whole,
    /// Its connection broke, or was silent for too long.
    Broken,
    /// Somebody took the upload over to end it.
    TakenOver,
    /// This process stops.
    Stopping,
    /// It held more bytes than were missing.
    OverLength,
    /// It is not what its checksum says.
    Mismatch,
}

/// Streams `body` to the end of the spool with bounded memory. Whatever happens, what was
/// written is made durable and the row says so (a body with a checksum: all that was, or nothing);
/// the offset it stands at afterwards comes back with how it ended.
pub(super) async fn transfer(
    core: &Core,
    held: &Held,
    upload: &UploadRow,
    spool: &mut Spool,
    mut checksum: Option<Checksum>,
    body: Body,
) -> Result<(u64, End), (u64, Error)> {
    let mut durable = upload.received;
    let mut streamed =
        stream(core, held, upload, spool, checksum.as_mut(), body, &mut durable).await;
    if let Some(checksum) = checksum {
        let whole = matches!(streamed, Ok(End::Whole));
        if !(whole && checksum.holds()) {
            // What cannot be checked is worth nothing.
            spool.cut(durable).await.map_err(|error| (durable, error))?;
            streamed = if whole { Ok(End::Mismatch) } else { streamed };
        }
    }
    // Also after a full disk: the part that found room is the client's to keep.
    let accounted = account(core, upload, spool).await;
    match (streamed, accounted) {
        (Ok(end), Ok(offset)) => Ok((offset, end)),
        (Err(error), Ok(offset)) => Err((offset, error)),
        (Err(error), Err(_)) | (Ok(_), Err(error)) => Err((durable, error)),
    }
}

async fn stream(
    core: &Core,
    held: &Held,
    upload: &UploadRow,
    spool: &mut Spool,
    mut checksum: Option<&mut Checksum>,
    body: Body,
    durable: &mut u64,
) -> Result<End, Error> {
    let mut pieces = body.into_data_stream();
    let mut batch: Vec<Bytes> = Vec::new();
    let mut batched = 0_usize;
    let mut checked_at = Instant::now();
    let end = loop {
        let next = tokio::select! {
            biased;
            () = held.interrupted() => break End::TakenOver,
            () = core.stopping.cancelled() => break End::Stopping,
            next = timeout(core.config.upload_idle, pieces.next()) => next,
        };
        let piece = match next {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => break End::Whole,
            Ok(Some(Err(_))) | Err(_) => break End::Broken,
        };
        let room = upload.size - spool.end() - batched as u64;
        if piece.len() as u64 > room {
            break End::OverLength;
        }
        if let Some(checksum) = &mut checksum {
            checksum.update(&piece);
        }
        batched += piece.len();
        batch.push(piece);
        if batched >= BATCH_BYTES || checked_at.elapsed() >= CHECKPOINT_EVERY {
            spool.write(std::mem::take(&mut batch)).await?;
            batched = 0;
        }
        // What a checksum is yet to confirm does not count.
        let ahead = if checksum.is_some() { 0 } else { spool.end() - *durable };
        if ahead >= CHECKPOINT_BYTES || (ahead > 0 && checked_at.elapsed() >= CHECKPOINT_EVERY) {
            *durable = account(core, upload, spool).await?;
            checked_at = Instant::now();
        }
    };
    spool.write(batch).await?;
    Ok(end)
}

/// Makes the spool durable, then lets the row say so.
async fn account(core: &Core, upload: &UploadRow, spool: &Spool) -> Result<u64, Error> {
    let durable = spool.sync().await?;
    let open = note_received(core, upload, durable).await?;
    if open { Ok(durable) } else { Err(Error::UploadGone) }
}

/// Sets how much of an upload is durable; whether bytes may still come.
pub(super) async fn note_received(
    core: &Core,
    upload: &UploadRow,
    durable: u64,
) -> Result<bool, Error> {
    let now_us = core.clock.now_us();
    let expires_at_us = core.upload_expiry_us(now_us);
    let pool = core.db.write_alone();
    let note = || uploads::set_received(pool, upload.id, durable, now_us, expires_at_us);
    Ok(retrying(note).await?)
}
