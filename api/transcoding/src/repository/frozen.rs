//! What the first publish settled for players.

use kinora_db::DbError;
use kinora_media::{Chapter, Track, TrackId};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::{Transcode, to_json};

/// What was settled at first publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frozen {
    pub first_published_at_us: i64,
    pub first_published_complete: bool,
    pub target_duration_s: u32,
    pub tracks: Vec<Track>,
    pub texts: Vec<TextObject>,
    #[serde(default)]
    pub chapters: Vec<Chapter>,
}

/// A caption file among the media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextObject {
    pub track: TrackId,
    pub object: String,
    /// Bytes.
    pub size: u64,
    /// Milliseconds.
    pub duration: u64,
    /// Whether it came after the first publish.
    #[serde(default)]
    pub late: bool,
}

/// Settles what the first publish shows; `false` if that was settled, the encode ended, or its
/// encoder was switched (to `software_from`) since the objects to publish were read.
pub(crate) async fn freeze(
    db: &mut AnyConnection,
    transcode: &Transcode,
    frozen: &Frozen,
    software_from: Option<u32>,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE transcodes SET frozen = $1, revision = revision + 1 \
         WHERE video = $2 AND version = $3 AND frozen IS NULL AND state = 'encoding' \
             AND COALESCE(software_from, -1) = $4",
    )
    .bind(to_json("frozen index", frozen)?)
    .bind(transcode.video.to_string())
    .bind(i64::from(transcode.version))
    .bind(software_from.map_or(-1, i64::from))
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Adds text tracks to what is settled; `false` if the row changed since it was read.
pub(crate) async fn amend(
    db: &mut AnyConnection,
    transcode: &Transcode,
    frozen: &Frozen,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE transcodes SET frozen = $1, revision = revision + 1 \
         WHERE video = $2 AND version = $3 AND revision = $4 AND frozen IS NOT NULL \
             AND state = 'encoding'",
    )
    .bind(to_json("frozen index", frozen)?)
    .bind(transcode.video.to_string())
    .bind(i64::from(transcode.version))
    .bind(transcode.revision)
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}
