//! The table `videos`.

use kinora_db::DbError;
use kinora_media::{AccountId, Priority, TraceContext, VideoId};
use sqlx::{AnyConnection, AnyPool};

use super::{get, parsed, signed, unsigned};
use crate::model::{Reason, State, Visibility};

/// A video as its owner described it.
#[derive(Debug, Clone)]
pub(crate) struct NewVideo {
    pub(crate) id: VideoId,
    pub(crate) account: AccountId,
    pub(crate) title: String,
    pub(crate) visibility: Visibility,
    pub(crate) file_name: Option<String>,
    pub(crate) profile: String,
    pub(crate) priority: Priority,
    /// Of the request that makes it.
    pub(crate) trace: Option<TraceContext>,
}

/// What a write checks before it changes a video.
#[derive(Debug, Clone)]
pub(crate) struct VideoHead {
    pub(crate) state: State,
    pub(crate) visibility: Visibility,
    pub(crate) profile: Option<String>,
    pub(crate) priority: Priority,
    pub(crate) trace: Option<TraceContext>,
}

/// A stored source, and which encode of it is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) version: u32,
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    video: &NewVideo,
    now_us: i64,
) -> Result<(), DbError> {
    let state = State::AwaitingUpload;
    sqlx::query(
        "INSERT INTO videos (id, account, title, visibility, file_name, state, state_rank, \
             created_at_us, updated_at_us, cleanup, profile, priority, trace) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 0, $9, $10, $11)",
    )
    .bind(video.id.to_string())
    .bind(video.account.as_str())
    .bind(video.title.as_str())
    .bind(video.visibility.as_str())
    .bind(video.file_name.clone())
    .bind(state.as_str())
    .bind(state.rank())
    .bind(now_us)
    .bind(video.profile.as_str())
    .bind(video.priority.as_str())
    .bind(video.trace.map(|trace| trace.to_string()))
    .execute(connection)
    .await?;
    Ok(())
}

/// An owner's video, inside the transaction that will change it.
pub(crate) async fn head(
    connection: &mut AnyConnection,
    account: &AccountId,
    id: VideoId,
) -> Result<Option<VideoHead>, DbError> {
    let row = sqlx::query(
        "SELECT state, visibility, profile, priority, trace FROM videos \
         WHERE id = $1 AND account = $2 AND deleted_at_us IS NULL",
    )
    .bind(id.to_string())
    .bind(account.as_str())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(VideoHead {
        state: parsed(&row, "state")?,
        visibility: parsed(&row, "visibility")?,
        profile: get(&row, "profile")?,
        priority: parsed(&row, "priority")?,
        trace: get::<Option<String>>(&row, "trace")?.and_then(|text| text.parse().ok()),
    }))
}

/// Moves a video's state forward; not if it is gone, or as far already.
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

/// A video of which players were shown this version → `failed`.
pub(crate) async fn lose(
    connection: &mut AnyConnection,
    id: VideoId,
    version: u32,
    reason: &Reason,
    now_us: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE videos SET state = $2, state_rank = $3, reason_code = $4, reason_message = $5, \
             updated_at_us = $6 \
         WHERE id = $1 AND deleted_at_us IS NULL AND version = $7 AND state_rank >= $8",
    )
    .bind(id.to_string())
    .bind(State::Failed.as_str())
    .bind(State::Failed.rank())
    .bind(reason.code.clone())
    .bind(reason.message.clone())
    .bind(now_us)
    .bind(i64::from(version))
    .bind(State::Playable.rank())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Puts a failed video back to where its source has just been stored, for its next version; `None`
/// if it did not fail, or has no source that could be encoded.
pub(crate) async fn begin_again(
    connection: &mut AnyConnection,
    id: VideoId,
    now_us: i64,
) -> Result<Option<Source>, DbError> {
    let row = sqlx::query(
        "UPDATE videos SET state = $2, state_rank = $3, reason_code = NULL, reason_message = NULL, \
             updated_at_us = $4, version = version + 1 \
         WHERE id = $1 AND deleted_at_us IS NULL AND state = $5 AND size > 0 \
         RETURNING size, version",
    )
    .bind(id.to_string())
    .bind(State::Queued.as_str())
    .bind(State::Queued.rank())
    .bind(now_us)
    .bind(State::Failed.as_str())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let version = u32::try_from(get::<i64>(&row, "version")?)
        .map_err(|error| DbError::stored("version", error))?;
    Ok(Some(Source { size: unsigned(&row, "size")?, version }))
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

/// Says which encode of a video is the wanted one.
pub(crate) async fn set_version(
    connection: &mut AnyConnection,
    id: VideoId,
    version: u32,
) -> Result<(), DbError> {
    sqlx::query("UPDATE videos SET version = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(i64::from(version))
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether there is a row of it, be it a deleted one.
pub(crate) async fn is_known(pool: &AnyPool, id: VideoId) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT id FROM videos WHERE id = $1").bind(id.to_string());
    Ok(row.fetch_optional(pool).await?.is_some())
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

/// Sets the priority of a video that awaits its upload.
pub(crate) async fn set_priority(
    connection: &mut AnyConnection,
    id: VideoId,
    priority: Priority,
) -> Result<(), DbError> {
    sqlx::query("UPDATE videos SET priority = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(priority.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Chooses another profile for a video that awaits its upload.
pub(crate) async fn choose_profile(
    connection: &mut AnyConnection,
    id: VideoId,
    profile: &str,
) -> Result<(), DbError> {
    sqlx::query("UPDATE videos SET profile = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(profile)
        .execute(connection)
        .await?;
    Ok(())
}

/// An account's videos from the creation of their upload to the end of their encode.
pub(crate) async fn count_on_their_way(
    connection: &mut AnyConnection,
    account: &AccountId,
) -> Result<u64, DbError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM videos WHERE account = $1 AND deleted_at_us IS NULL \
             AND state_rank >= $2 AND state_rank < $3",
    )
    .bind(account.as_str())
    .bind(State::Uploading.rank())
    .bind(State::Ready.rank())
    .fetch_one(connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// How many of an account's videos came to an end since a time.
pub(crate) async fn count_ended(
    connection: &mut AnyConnection,
    account: &AccountId,
    since_us: i64,
) -> Result<u64, DbError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM videos WHERE account = $1 AND deleted_at_us IS NULL \
             AND state_rank = $2 AND updated_at_us >= $3",
    )
    .bind(account.as_str())
    .bind(State::Ready.rank())
    .bind(since_us)
    .fetch_one(connection)
    .await?;
    Ok(count.unsigned_abs())
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
