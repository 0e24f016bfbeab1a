//! The table `uploads`.

use kinora_db::DbError;
use kinora_media::{AccountId, VideoId};
use sqlx::{AnyConnection, AnyPool, any::AnyRow};

use super::{get, parsed, signed, unsigned};
use crate::model::{UploadId, UploadState};

/// An upload.
#[derive(Debug, Clone)]
pub(crate) struct UploadRow {
    pub(crate) id: UploadId,
    pub(crate) video: VideoId,
    pub(crate) account: AccountId,
    pub(crate) state: UploadState,
    pub(crate) size: u64,
    pub(crate) received: u64,
    pub(crate) metadata: Option<String>,
    pub(crate) expires_at_us: i64,
}

const COLUMNS: &str = "SELECT id, video, account, state, size, received, metadata, expires_at_us \
     FROM uploads WHERE ";

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    upload: &UploadRow,
    now_us: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO uploads (id, video, account, state, size, received, metadata, \
             created_at_us, updated_at_us, expires_at_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
    )
    .bind(upload.id.to_string())
    .bind(upload.video.to_string())
    .bind(upload.account.as_str())
    .bind(upload.state.as_str())
    .bind(signed(upload.size))
    .bind(signed(upload.received))
    .bind(upload.metadata.clone())
    .bind(now_us)
    .bind(upload.expires_at_us)
    .execute(connection)
    .await?;
    Ok(())
}

/// An upload, whoever owns it.
pub(crate) async fn find(pool: &AnyPool, id: UploadId) -> Result<Option<UploadRow>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} id = $1"));
    let row = sqlx::query(sql).bind(id.to_string()).fetch_optional(pool).await?;
    row.as_ref().map(read).transpose()
}

/// The upload of a video that bytes may still come for.
pub(crate) async fn active_of(
    connection: &mut AnyConnection,
    video: VideoId,
) -> Result<Option<UploadId>, DbError> {
    let row = sqlx::query("SELECT id FROM uploads WHERE video = $1 AND state = 'active'")
        .bind(video.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(|row| parsed(row, "id")).transpose()
}

/// How many uploads of an account bytes may still come for.
pub(crate) async fn count_active(
    connection: &mut AnyConnection,
    account: &AccountId,
) -> Result<i64, DbError> {
    let count = sqlx::query_scalar(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM uploads WHERE account = $1 AND state = 'active'",
    )
    .bind(account.as_str())
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// Bytes of an account's uploads, those to come among them, whose videos were not deleted.
pub(crate) async fn held(
    connection: &mut AnyConnection,
    account: &AccountId,
) -> Result<u64, DbError> {
    let bytes: Option<i64> = sqlx::query_scalar(
        "SELECT CAST(SUM(size) AS BIGINT) FROM uploads \
         WHERE account = $1 AND state IN ('active', 'finished')",
    )
    .bind(account.as_str())
    .fetch_one(connection)
    .await?;
    Ok(bytes.unwrap_or(0).unsigned_abs())
}

/// Bytes that active uploads were promised room for and that have not come yet.
pub(crate) async fn outstanding(connection: &mut AnyConnection) -> Result<u64, DbError> {
    let bytes: Option<i64> = sqlx::query_scalar(
        "SELECT CAST(SUM(size - received) AS BIGINT) FROM uploads WHERE state = 'active'",
    )
    .fetch_one(connection)
    .await?;
    Ok(bytes.unwrap_or(0).unsigned_abs())
}

/// Sets how much is durable; whether bytes may still come.
pub(crate) async fn set_received(
    pool: &AnyPool,
    id: UploadId,
    received: u64,
    now_us: i64,
    expires_at_us: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE uploads SET received = $2, updated_at_us = $3, expires_at_us = $4 \
         WHERE id = $1 AND state = 'active' AND $2 <= size",
    )
    .bind(id.to_string())
    .bind(signed(received))
    .bind(now_us)
    .bind(expires_at_us)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends an upload; whether it had not ended before.
pub(crate) async fn end(
    connection: &mut AnyConnection,
    id: UploadId,
    state: UploadState,
    now_us: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE uploads SET state = $2, updated_at_us = $3 WHERE id = $1 AND state = 'active'",
    )
    .bind(id.to_string())
    .bind(state.as_str())
    .bind(now_us)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends an upload that nothing came for until `now_us`; whether it was so.
pub(crate) async fn expire(
    connection: &mut AnyConnection,
    id: UploadId,
    now_us: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE uploads SET state = 'expired', updated_at_us = $2 \
         WHERE id = $1 AND state = 'active' AND expires_at_us <= $2 AND received < size",
    )
    .bind(id.to_string())
    .bind(now_us)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends whatever uploads a deleted video has, finished ones too.
pub(crate) async fn end_all_of(
    connection: &mut AnyConnection,
    video: VideoId,
    now_us: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE uploads SET state = 'terminated', updated_at_us = $2 \
         WHERE video = $1 AND state IN ('active', 'finished')",
    )
    .bind(video.to_string())
    .bind(now_us)
    .execute(connection)
    .await?;
    Ok(())
}

/// Uploads of which every byte is durable, but which did not end yet.
pub(crate) async fn complete(pool: &AnyPool) -> Result<Vec<UploadRow>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} state = 'active' AND received = size"));
    let rows = sqlx::query(sql).fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

/// Uploads that nothing came for until `now_us`.
pub(crate) async fn overdue(pool: &AnyPool, now_us: i64) -> Result<Vec<UploadRow>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!(
        "{COLUMNS} state = 'active' AND expires_at_us <= $1 AND received < size"
    ));
    let rows = sqlx::query(sql).bind(now_us).fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

/// Forgets uploads that were given up before `before_us`: they become unknown instead of gone.
pub(crate) async fn forget(connection: &mut AnyConnection, before_us: i64) -> Result<(), DbError> {
    sqlx::query(
        "DELETE FROM uploads WHERE state IN ('terminated', 'expired') AND updated_at_us < $1",
    )
    .bind(before_us)
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<UploadRow, DbError> {
    Ok(UploadRow {
        id: parsed(row, "id")?,
        video: parsed(row, "video")?,
        account: parsed(row, "account")?,
        state: parsed(row, "state")?,
        size: unsigned(row, "size")?,
        received: unsigned(row, "received")?,
        metadata: get(row, "metadata")?,
        expires_at_us: get(row, "expires_at_us")?,
    })
}
