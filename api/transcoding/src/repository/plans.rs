//! Plans, as they were made.

use kinora_db::DbError;
use kinora_media::VideoId;
use kinora_plan::Plan;
use sqlx::{Any, AnyConnection, Executor};

use super::{from_json, to_json};

/// Stores the plan of an encode.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    video: VideoId,
    version: u32,
    plan: &Plan,
) -> Result<(), DbError> {
    sqlx::query("INSERT INTO transcode_plans (video, version, plan) VALUES ($1, $2, $3)")
        .bind(video.to_string())
        .bind(i64::from(version))
        .bind(to_json("plan", plan)?)
        .execute(db)
        .await?;
    Ok(())
}

/// The plan of an encode, if it has one yet.
pub(crate) async fn find(
    db: impl Executor<'_, Database = Any>,
    video: VideoId,
    version: u32,
) -> Result<Option<Plan>, DbError> {
    let text: Option<String> =
        sqlx::query_scalar("SELECT plan FROM transcode_plans WHERE video = $1 AND version = $2")
            .bind(video.to_string())
            .bind(i64::from(version))
            .fetch_optional(db)
            .await?;
    text.map(|text| from_json("plan", &text)).transpose()
}
