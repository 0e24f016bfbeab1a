//! Work on the object store that is due.

use kinora_db::DbError;
use kinora_media::VideoId;
use sqlx::{Any, AnyConnection, Executor, Row as _};

use super::{narrow, parse};
use crate::state::{Chore, VideoState};

/// A chore, under the time at which it was due: whoever moves that time has claimed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueChore {
    pub video: VideoId,
    pub version: u32,
    pub state: VideoState,
    pub chore: Chore,
    pub due_at_us: i64,
}

/// Chores that are due.
pub(crate) async fn due(
    db: impl Executor<'_, Database = Any>,
    now_us: i64,
) -> Result<Vec<DueChore>, DbError> {
    let rows = sqlx::query(
        "SELECT video, version, state, chore, chore_at_us FROM transcodes \
         WHERE chore_at_us <= $1 AND chore IS NOT NULL ORDER BY chore_at_us LIMIT 20",
    )
    .bind(now_us)
    .fetch_all(db)
    .await?;
    let chore = |row: &sqlx::any::AnyRow| {
        let (video, state): (String, String) = (row.try_get("video")?, row.try_get("state")?);
        let word: String = row.try_get("chore")?;
        Ok(DueChore {
            video: parse("video id", &video)?,
            version: narrow("version", row.try_get("version")?)?,
            state: VideoState::parse(&state)?,
            chore: Chore::parse(&word)?,
            due_at_us: row.try_get("chore_at_us")?,
        })
    };
    rows.iter().map(chore).collect()
}

/// What an encode still needs, due or not.
pub(crate) async fn of_encode(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
) -> Result<Option<Chore>, DbError> {
    let word: Option<Option<String>> =
        sqlx::query_scalar("SELECT chore FROM transcodes WHERE video = $1 AND version = $2")
            .bind(video.to_string())
            .bind(i64::from(version))
            .fetch_optional(db)
            .await?;
    word.flatten().map(|word| Chore::parse(&word)).transpose()
}

/// Replaces a chore by the next one at a time, or by none; `false` if it changed since it was
/// read. Moving only the time claims it.
pub(crate) async fn advance(
    db: &mut AnyConnection,
    chore: &DueChore,
    next: Option<(Chore, i64)>,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE transcodes SET chore = $1, chore_at_us = $2, revision = revision + 1 \
         WHERE video = $3 AND version = $4 AND chore = $5 AND chore_at_us = $6",
    )
    .bind(next.map(|(chore, _)| chore.as_str()))
    .bind(next.map(|(_, at_us)| at_us))
    .bind(chore.video.to_string())
    .bind(i64::from(chore.version))
    .bind(chore.chore.as_str())
    .bind(chore.due_at_us)
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}
