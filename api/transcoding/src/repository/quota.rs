//! What accounts may have of media.

use kinora_db::DbError;
use kinora_media::AccountId;
use sqlx::{Any, AnyConnection, Executor};

use super::{Transcode, narrow, widen};

/// Reserves the media of an encode that was probed for its account; `false` if that would then have
/// more than `quota_us`, or if the encode has ended. What failed or was deleted is given back by its
/// state. Summed and reserved by one statement, in a transaction that is serialisable: of those that
/// race for the rest none has it twice.
pub(crate) async fn reserve(
    db: &mut AnyConnection,
    transcode: &Transcode,
    duration_us: u64,
    quota_us: u64,
) -> Result<bool, DbError> {
    let Some(rest_us) = quota_us.checked_sub(duration_us) else { return Ok(false) };
    let updated = sqlx::query(
        "UPDATE transcodes SET duration_us = $1, revision = revision + 1 \
         WHERE video = $2 AND version = $3 AND state = 'queued' \
             AND (SELECT CAST(COALESCE(SUM(duration_us), 0) AS BIGINT) FROM transcodes \
                 WHERE account = $4 AND state IN ('queued', 'encoding', 'ready') AND video <> $2) \
                 <= $5",
    )
    .bind(widen("duration", duration_us)?)
    .bind(transcode.video.to_string())
    .bind(i64::from(transcode.version))
    .bind(transcode.account.as_str())
    .bind(widen("quota", rest_us)?)
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// The media of an account's encodes, microseconds: of those that were probed and did not fail.
pub(crate) async fn held(
    db: impl Executor<'_, Database = Any>,
    account: &AccountId,
) -> Result<u64, DbError> {
    let held_us: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(duration_us), 0) AS BIGINT) FROM transcodes \
         WHERE account = $1 AND state IN ('queued', 'encoding', 'ready')",
    )
    .bind(account.as_str())
    .fetch_one(db)
    .await?;
    narrow("duration", held_us)
}
