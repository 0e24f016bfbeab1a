//! The table `video_captions`.

use std::collections::HashMap;

use kinora_db::DbError;
use kinora_media::{TrackId, VideoId};
use kinora_store::Key;
use sqlx::{AnyConnection, AnyPool};

use super::{get, parsed, signed, unsigned};

/// A caption file of a video.
#[derive(Debug, Clone)]
pub(crate) struct CaptionsRow {
    pub(crate) language: TrackId,
    pub(crate) name: String,
    pub(crate) cues: u64,
    pub(crate) object: Key,
}

/// Adds or replaces a video's captions in a language; whether there were none.
pub(crate) async fn put(
    connection: &mut AnyConnection,
    video: VideoId,
    captions: &CaptionsRow,
    now_us: i64,
) -> Result<bool, DbError> {
    let replaced = sqlx::query(
        "UPDATE video_captions SET name = $3, cues = $4, object = $5 \
         WHERE video = $1 AND language = $2",
    )
    .bind(video.to_string())
    .bind(captions.language.as_str())
    .bind(captions.name.as_str())
    .bind(signed(captions.cues))
    .bind(captions.object.as_str())
    .execute(&mut *connection)
    .await?;
    if replaced.rows_affected() > 0 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO video_captions (video, language, name, cues, object, created_at_us) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(video.to_string())
    .bind(captions.language.as_str())
    .bind(captions.name.as_str())
    .bind(signed(captions.cues))
    .bind(captions.object.as_str())
    .bind(now_us)
    .execute(connection)
    .await?;
    Ok(true)
}

/// A video's captions, inside a transaction, by language.
pub(crate) async fn of_video(
    connection: &mut AnyConnection,
    video: VideoId,
) -> Result<Vec<CaptionsRow>, DbError> {
    let rows = sqlx::query(
        "SELECT language, name, cues, object FROM video_captions WHERE video = $1 \
         ORDER BY language",
    )
    .bind(video.to_string())
    .fetch_all(connection)
    .await?;
    let read = |row| {
        Ok(CaptionsRow {
            language: parsed(row, "language")?,
            name: get(row, "name")?,
            cues: unsigned(row, "cues")?,
            object: parsed(row, "object")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Forgets a deleted video's captions.
pub(crate) async fn forget(connection: &mut AnyConnection, video: VideoId) -> Result<(), DbError> {
    sqlx::query("DELETE FROM video_captions WHERE video = $1")
        .bind(video.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Languages and names of the captions of a page of videos, by language.
pub(crate) async fn of_videos(
    pool: &AnyPool,
    videos: &[VideoId],
) -> Result<HashMap<VideoId, Vec<(TrackId, String)>>, DbError> {
    let mut found: HashMap<VideoId, Vec<_>> = HashMap::new();
    if videos.is_empty() {
        return Ok(found);
    }
    let marks: Vec<_> = (1..=videos.len()).map(|n| format!("${n}")).collect();
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT video, language, name FROM video_captions WHERE video IN ({}) ORDER BY language",
        marks.join(", ")
    ));
    let query = videos.iter().fold(sqlx::query(sql), |query, id| query.bind(id.to_string()));
    for row in query.fetch_all(pool).await? {
        let captions = (parsed(&row, "language")?, get(&row, "name")?);
        found.entry(parsed(&row, "video")?).or_default().push(captions);
    }
    Ok(found)
}
