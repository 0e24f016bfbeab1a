//! What accompanies an encode beside its tracks: the accepted result of each optional job.

use kinora_db::DbError;
use kinora_media::{Pictures, VideoId};
use kinora_plan::job::StoredText;
use serde::Serialize;
use sqlx::{Any, AnyConnection, Executor};

use super::{from_json, to_json};

/// The accepted results of an encode's optional jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    pub pictures: Option<Pictures>,
    pub texts: Vec<StoredText>,
}

const PICTURES: &str = "pictures";
const TEXTS: &str = "texts";

/// Writes accepted pictures.
pub(crate) async fn insert_pictures(
    db: &mut AnyConnection,
    encode: (VideoId, u32),
    pictures: &Pictures,
) -> Result<(), DbError> {
    insert(db, encode, PICTURES, pictures).await
}

/// Writes accepted embedded subtitles.
pub(crate) async fn insert_texts(
    db: &mut AnyConnection,
    encode: (VideoId, u32),
    texts: &[StoredText],
) -> Result<(), DbError> {
    insert(db, encode, TEXTS, &texts).await
}

/// What was accepted so far.
pub(crate) async fn find(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
) -> Result<Extras, DbError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT kind, result FROM transcode_extras WHERE video = $1 AND version = $2",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .fetch_all(db)
    .await?;
    let of = |kind: &str| rows.iter().find(|row| row.0 == kind).map(|row| &*row.1);
    Ok(Extras {
        pictures: of(PICTURES).map(|text| from_json(PICTURES, text)).transpose()?,
        texts: of(TEXTS).map_or(Ok(Vec::new()), |text| from_json(TEXTS, text))?,
    })
}

async fn insert<T: Serialize>(
    db: &mut AnyConnection,
    (video, version): (VideoId, u32),
    kind: &'static str,
    result: &T,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO transcode_extras (video, version, kind, result) VALUES ($1, $2, $3, $4)",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(kind)
    .bind(to_json(kind, result)?)
    .execute(db)
    .await?;
    Ok(())
}
