//! The table `videos`, and the joined row that queries read.

use kinora_db::DbError;
use kinora_http::Cursor;
use kinora_media::{AccountId, VideoId};
use sqlx::{AnyConnection, AnyPool, any::AnyRow};
use uuid::Uuid;

use super::{get, parsed, signed, unsigned};
use crate::model::{Reason, State, UploadId, Visibility};

/// A video as its owner described it.
#[derive(Debug, Clone)]
pub(crate) struct NewVideo {
    pub(crate) id: VideoId,
    pub(crate) account: AccountId,
    pub(crate) title: String,
    pub(crate) visibility: Visibility,
    pub(crate) file_name: Option<String>,
}

/// All that is known of a video in one row, except its captions.
#[derive(Debug, Clone)]
pub(crate) struct VideoRow {
    pub(crate) id: VideoId,
    pub(crate) account: AccountId,
    pub(crate) title: String,
    pub(crate) visibility: Visibility,
    pub(crate) file_name: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) state: State,
    pub(crate) reason: Option<Reason>,
    pub(crate) created_at_us: i64,
    pub(crate) updated_at_us: i64,
    pub(crate) media: Option<MediaRow>,
    pub(crate) upload: Option<ActiveUpload>,
}

/// What transcoding said.
#[derive(Debug, Clone)]
pub(crate) struct MediaRow {
    pub(crate) duration_us: u64,
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) warnings: Vec<String>,
    pub(crate) playback_version: Option<u32>,
}

/// The upload that bytes may still come for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActiveUpload {
    pub(crate) id: UploadId,
    pub(crate) received: u64,
    pub(crate) size: u64,
}

/// What a write checks before it changes a video.
#[derive(Debug, Clone)]
pub(crate) struct VideoHead {
    pub(crate) state: State,
    pub(crate) visibility: Visibility,
}

const JOINED: &str = "SELECT v.id, v.account, v.title, v.visibility, v.file_name, v.size, \
         v.state, v.reason_code, v.reason_message, v.created_at_us, v.updated_at_us, \
         m.duration_us, m.width, m.height, m.warnings, m.playback_version, \
         u.id AS upload_id, u.received AS upload_received, u.size AS upload_size \
     FROM videos v LEFT JOIN video_media m ON m.video = v.id \
         LEFT JOIN uploads u ON u.video = v.id AND u.state = 'active' \
     WHERE v.deleted_at_us IS NULL AND ";

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    video: &NewVideo,
    now_us: i64,
) -> Result<(), DbError> {
    let state = State::AwaitingUpload;
    sqlx::query(
        "INSERT INTO videos (id, account, title, visibility, file_name, state, state_rank, \
             created_at_us, updated_at_us, cleanup) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 0)",
    )
    .bind(video.id.to_string())
    .bind(video.account.as_str())
    .bind(video.title.as_str())
    .bind(video.visibility.as_str())
    .bind(video.file_name.clone())
    .bind(state.as_str())
    .bind(state.rank())
    .bind(now_us)
    .execute(connection)
    .await?;
    Ok(())
}

/// A video that is there, whoever owns it.
pub(crate) async fn find(pool: &AnyPool, id: VideoId) -> Result<Option<VideoRow>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("{JOINED} v.id = $1"));
    let row = sqlx::query(sql).bind(id.to_string()).fetch_optional(pool).await?;
    row.as_ref().map(read).transpose()
}

/// At most `limit` videos of an account, newest first, after `cursor`.
pub(crate) async fn list(
    pool: &AnyPool,
    account: &AccountId,
    state: Option<State>,
    cursor: Option<Cursor>,
    limit: u32,
) -> Result<Vec<VideoRow>, DbError> {
    let after = cursor.unwrap_or(Cursor { created_at_us: i64::MAX, id: Uuid::max() });
    let sql = sqlx::AssertSqlSafe(format!(
        "{JOINED} v.account = $1 AND ($2 = '' OR v.state = $2) \
             AND v.created_at_us <= $3 AND (v.created_at_us < $3 OR v.id < $4) \
         ORDER BY v.created_at_us DESC, v.id DESC LIMIT $5"
    ));
    let rows = sqlx::query(sql)
        .bind(account.as_str())
        .bind(state.map_or("", State::as_str))
        .bind(after.created_at_us)
        .bind(after.id.hyphenated().to_string())
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

/// An owner's video, inside the transaction that will change it.
pub(crate) async fn head(
    connection: &mut AnyConnection,
    account: &AccountId,
    id: VideoId,
) -> Result<Option<VideoHead>, DbError> {
    let row = sqlx::query(
        "SELECT state, visibility FROM videos \
         WHERE id = $1 AND account = $2 AND deleted_at_us IS NULL",
    )
    .bind(id.to_string())
    .bind(account.as_str())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(VideoHead { state: parsed(&row, "state")?, visibility: parsed(&row, "visibility")? }))
}

/// Moves a video's state forward; whether it was not there or further already.
pub(crate) async fn advance(
    connection: &mut AnyConnection,
    id: VideoId,
    state: State,
    reason: Option<&Reason>,
    now_us: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE videos SET state = $2, state_rank = $3, reason_code = $4, reason_message = $5, \
             updated_at_us = $6 WHERE id = $1 AND deleted_at_us IS NULL AND state_rank < $3",
    )
    .bind(id.to_string())
    .bind(state.as_str())
    .bind(state.rank())
    .bind(reason.map(|reason| reason.code.clone()))
    .bind(reason.map(|reason| reason.message.clone()))
    .bind(now_us)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that the source is stored whole: from now on its removal is transcoding's.
pub(crate) async fn set_source(
    connection: &mut AnyConnection,
    id: VideoId,
    size: u64,
) -> Result<(), DbError> {
    sqlx::query("UPDATE videos SET size = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(signed(size))
        .execute(connection)
        .await?;
    Ok(())
}

/// Names the file of a video that has no name for it yet.
pub(crate) async fn name_file(
    connection: &mut AnyConnection,
    id: VideoId,
    file_name: &str,
) -> Result<(), DbError> {
    sqlx::query("UPDATE videos SET file_name = $2 WHERE id = $1 AND file_name IS NULL")
        .bind(id.to_string())
        .bind(file_name)
        .execute(connection)
        .await?;
    Ok(())
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// It is marked; `cleanup` says whether its objects are ours to remove.
    Marked { cleanup: bool },
    /// It was deleted before.
    Before,
    /// There is none, or it is not the caller's.
    Missing,
}

/// Marks an owner's video as deleted. Its objects are ours to remove unless its source was
/// handed to transcoding, which then removes everything.
pub(crate) async fn mark_deleted(
    connection: &mut AnyConnection,
    account: &AccountId,
    id: VideoId,
    now_us: i64,
) -> Result<Deletion, DbError> {
    let marked = sqlx::query(
        "UPDATE videos SET deleted_at_us = $3, updated_at_us = $3, \
             cleanup = CASE WHEN size IS NULL THEN 1 ELSE 0 END \
         WHERE id = $1 AND account = $2 AND deleted_at_us IS NULL RETURNING cleanup",
    )
    .bind(id.to_string())
    .bind(account.as_str())
    .bind(now_us)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(row) = marked {
        return Ok(Deletion::Marked { cleanup: get::<i64>(&row, "cleanup")? == 1 });
    }
    let before: Option<i64> =
        sqlx::query_scalar("SELECT deleted_at_us FROM videos WHERE id = $1 AND account = $2")
            .bind(id.to_string())
            .bind(account.as_str())
            .fetch_optional(connection)
            .await?;
    Ok(if before.is_some() { Deletion::Before } else { Deletion::Missing })
}

/// Deleted videos whose objects are still to be removed.
pub(crate) async fn awaiting_cleanup(pool: &AnyPool, limit: u32) -> Result<Vec<VideoId>, DbError> {
    let rows = sqlx::query("SELECT id FROM videos WHERE cleanup = 1 ORDER BY id LIMIT $1")
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.iter().map(|row| parsed(row, "id")).collect()
}

/// Notes that nothing is left to remove.
pub(crate) async fn cleaned(connection: &mut AnyConnection, id: VideoId) -> Result<(), DbError> {
    sqlx::query("UPDATE videos SET cleanup = 0 WHERE id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<VideoRow, DbError> {
    let code: Option<String> = get(row, "reason_code")?;
    let message: Option<String> = get(row, "reason_message")?;
    Ok(VideoRow {
        id: parsed(row, "id")?,
        account: parsed(row, "account")?,
        title: get(row, "title")?,
        visibility: parsed(row, "visibility")?,
        file_name: get(row, "file_name")?,
        size: get::<Option<i64>>(row, "size")?.map(i64::unsigned_abs),
        state: parsed(row, "state")?,
        reason: code.zip(message).map(|(code, message)| Reason { code, message }),
        created_at_us: get(row, "created_at_us")?,
        updated_at_us: get(row, "updated_at_us")?,
        media: read_media(row)?,
        upload: read_upload(row)?,
    })
}

fn read_media(row: &AnyRow) -> Result<Option<MediaRow>, DbError> {
    let Some(warnings) = get::<Option<String>>(row, "warnings")? else { return Ok(None) };
    let version: Option<i64> = get(row, "playback_version")?;
    let version = version.map(u32::try_from).transpose();
    Ok(Some(MediaRow {
        duration_us: unsigned(row, "duration_us")?,
        width: unsigned(row, "width")?,
        height: unsigned(row, "height")?,
        warnings: serde_json::from_str(&warnings).map_err(|e| DbError::stored("warnings", e))?,
        playback_version: version.map_err(|e| DbError::stored("playback_version", e))?,
    }))
}

fn read_upload(row: &AnyRow) -> Result<Option<ActiveUpload>, DbError> {
    if get::<Option<String>>(row, "upload_id")?.is_none() {
        return Ok(None);
    }
    Ok(Some(ActiveUpload {
        id: parsed(row, "upload_id")?,
        received: unsigned(row, "upload_received")?,
        size: unsigned(row, "upload_size")?,
    }))
}
