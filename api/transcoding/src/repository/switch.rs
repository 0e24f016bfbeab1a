//! The one switch of a title from a graphics processor to software.

use kinora_db::DbError;
use kinora_media::{TrackId, VideoId};
use kinora_plan::device::EncoderFamily;
use sqlx::{Any, AnyConnection, AnyPool, Executor, Row as _};

use super::{narrow, parse};
use crate::state::SwitchReason;

/// The first chunk of a track that has no accepted object.
pub(crate) async fn first_missing(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
    track: &TrackId,
) -> Result<u32, DbError> {
    let accepted: Vec<i64> = sqlx::query_scalar(
        "SELECT chunk FROM media_objects WHERE video = $1 AND version = $2 AND track = $3 \
         ORDER BY chunk",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(track.as_str())
    .fetch_all(db)
    .await?;
    let gapless = accepted.iter().zip(0..).take_while(|(chunk, next)| **chunk == *next).count();
    narrow("chunk", i64::try_from(gapless).unwrap_or(i64::MAX))
}

/// Settles from which chunk on the title is encoded in software; `false` if that was settled, or
/// the encode ended.
pub(crate) async fn settle(
    db: &mut AnyConnection,
    (video, version): (VideoId, u32),
    from: u32,
    because: SwitchReason,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE transcodes SET software_from = $1, software_because = $2, \
             revision = revision + 1 \
         WHERE video = $3 AND version = $4 AND software_from IS NULL AND state = 'encoding'",
    )
    .bind(i64::from(from))
    .bind(because.as_str())
    .bind(video.to_string())
    .bind(i64::from(version))
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Takes back what was accepted of a track from a chunk on.
pub(crate) async fn forget_objects(
    db: &mut AnyConnection,
    (video, version): (VideoId, u32),
    track: &TrackId,
    from: u32,
) -> Result<(), DbError> {
    sqlx::query(
        "DELETE FROM media_objects \
         WHERE video = $1 AND version = $2 AND track = $3 AND chunk >= $4",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(track.as_str())
    .bind(i64::from(from))
    .execute(db)
    .await?;
    Ok(())
}

/// Puts every job of the picture from a chunk on back into the backlog, whatever became of it, and
/// fences what is at work; how many.
pub(crate) async fn redo_chunks(
    db: &mut AnyConnection,
    (video, version): (VideoId, u32),
    from: u32,
    now_us: i64,
) -> Result<u64, DbError> {
    let updated = sqlx::query(
        "UPDATE jobs SET state = 'waiting', device = '', strikes = 0, setbacks = 0, not_before_us = $1, \
             lease_until_us = NULL, sent = 0, worker = NULL, progress_done = NULL, \
             progress_total = NULL, warnings = NULL, started_at_us = NULL, finished_at_us = NULL \
         WHERE video = $2 AND version = $3 AND class = 'encode_chunk' AND chunk >= $4 \
             AND state IN ('waiting', 'dispatched', 'running', 'done')",
    )
    .bind(now_us)
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(i64::from(from))
    .execute(db)
    .await?;
    Ok(updated.rows_affected())
}

/// Encodes that have jobs for such a device which no worker has.
pub(crate) async fn waiting_for(
    db: &AnyPool,
    device: EncoderFamily,
) -> Result<Vec<(VideoId, u32)>, DbError> {
    let rows = sqlx::query(
        "SELECT DISTINCT video, version FROM jobs \
         WHERE state IN ('waiting', 'dispatched') AND device = $1 ORDER BY video, version",
    )
    .bind(device.as_str())
    .fetch_all(db)
    .await?;
    let encode = |row: &sqlx::any::AnyRow| {
        let video = parse("video id", row.try_get("video")?)?;
        Ok((video, narrow("version", row.try_get("version")?)?))
    };
    rows.iter().map(encode).collect()
}
