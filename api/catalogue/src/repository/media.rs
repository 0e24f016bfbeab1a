//! The table `video_media`: what transcoding said, written by the consumer alone.

use kinora_db::DbError;
use kinora_media::{AccountId, Chapter, VideoId};
use sqlx::AnyConnection;

use super::{get, signed};

/// The duration and pixels of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) duration_us: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Notes a plan of a video that is there.
pub(crate) async fn plan(
    connection: &mut AnyConnection,
    video: VideoId,
    shape: Shape,
    warnings: &[String],
    chapters: &[Chapter],
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO video_media (video, duration_us, width, height, warnings, chapters) \
         SELECT id, $2, $3, $4, $5, $6 FROM videos WHERE id = $1 AND deleted_at_us IS NULL \
         ON CONFLICT (video) DO UPDATE SET duration_us = excluded.duration_us, \
             width = excluded.width, height = excluded.height, warnings = excluded.warnings, \
             chapters = excluded.chapters",
    )
    .bind(video.to_string())
    .bind(signed(shape.duration_us))
    .bind(i64::from(shape.width))
    .bind(i64::from(shape.height))
    .bind(serde_json::to_string(warnings).map_err(|e| DbError::stored("warnings", e))?)
    .bind(serde_json::to_string(chapters).map_err(|e| DbError::stored("chapters", e))?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Sends players to an encode, never back to an older one; notes whether it has its `pictures`.
pub(crate) async fn publish(
    connection: &mut AnyConnection,
    video: VideoId,
    version: u32,
    pictures: bool,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE video_media SET playback_version = $2, \
             pictures = CASE WHEN playback_version = $2 AND pictures = 1 THEN 1 ELSE $3 END \
         WHERE video = $1 AND COALESCE(playback_version, 0) <= $2",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(i64::from(pictures))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes the exact duration and adds what was lost to the warnings.
pub(crate) async fn complete(
    connection: &mut AnyConnection,
    video: VideoId,
    duration_us: u64,
    lost: &[String],
) -> Result<(), DbError> {
    let row = sqlx::query("SELECT warnings FROM video_media WHERE video = $1")
        .bind(video.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let text: String = get(&row, "warnings")?;
    let mut warnings: Vec<String> =
        serde_json::from_str(&text).map_err(|e| DbError::stored("warnings", e))?;
    for warning in lost {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    sqlx::query("UPDATE video_media SET duration_us = $2, warnings = $3 WHERE video = $1")
        .bind(video.to_string())
        .bind(signed(duration_us))
        .bind(serde_json::to_string(&warnings).map_err(|e| DbError::stored("warnings", e))?)
        .execute(connection)
        .await?;
    Ok(())
}

/// How long an account's videos last that were planned, and did not fail; microseconds.
pub(crate) async fn held_us(
    connection: &mut AnyConnection,
    account: &AccountId,
) -> Result<u64, DbError> {
    let held_us: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(m.duration_us), 0) AS BIGINT) FROM videos v \
             JOIN video_media m ON m.video = v.id \
         WHERE v.account = $1 AND v.deleted_at_us IS NULL AND v.state <> 'failed'",
    )
    .bind(account.as_str())
    .fetch_one(connection)
    .await?;
    Ok(held_us.unsigned_abs())
}

/// Forgets a deleted video's media.
pub(crate) async fn forget(connection: &mut AnyConnection, video: VideoId) -> Result<(), DbError> {
    sqlx::query("DELETE FROM video_media WHERE video = $1")
        .bind(video.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
