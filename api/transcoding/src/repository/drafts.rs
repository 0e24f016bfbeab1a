//! Drafts: plans that wait for an analysis.

use kinora_db::DbError;
use kinora_media::VideoId;
use kinora_plan::Plan;
use sqlx::{Any, AnyConnection, Executor};

use super::{from_json, to_json};

/// Stores the draft of an encode.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    video: VideoId,
    version: u32,
    draft: &Plan,
) -> Result<(), DbError> {
    sqlx::query("INSERT INTO transcode_drafts (video, version, plan) VALUES ($1, $2, $3)")
        .bind(video.to_string())
        .bind(i64::from(version))
        .bind(to_json("draft", draft)?)
        .execute(db)
        .await?;
    Ok(())
}

/// The draft of an encode, if it waits for an analysis.
pub(crate) async fn find(
    db: impl Executor<'_, Database = Any>,
    video: VideoId,
    version: u32,
) -> Result<Option<Plan>, DbError> {
    let text: Option<String> =
        sqlx::query_scalar("SELECT plan FROM transcode_drafts WHERE video = $1 AND version = $2")
            .bind(video.to_string())
            .bind(i64::from(version))
            .fetch_optional(db)
            .await?;
    text.map(|text| from_json("draft", &text)).transpose()
}

/// Removes the draft of an encode.
pub(crate) async fn remove(
    db: &mut AnyConnection,
    video: VideoId,
    version: u32,
) -> Result<(), DbError> {
    sqlx::query("DELETE FROM transcode_drafts WHERE video = $1 AND version = $2")
        .bind(video.to_string())
        .bind(i64::from(version))
        .execute(db)
        .await?;
    Ok(())
}
