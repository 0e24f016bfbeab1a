//! What a look at everything reads.

use kinora_db::DbError;
use kinora_media::VideoId;
use sqlx::{AnyPool, any::AnyRow};

use super::{get, parsed, unsigned};
use crate::model::{State, UploadId, UploadState};

/// A video's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    /// `None` if the catalogue never had it.
    pub(crate) video: Option<VideoLine>,
    /// Those that were given up are forgotten after a while.
    pub(crate) uploads: Vec<UploadLine>,
}

/// A video, a deleted one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoLine {
    pub(crate) state: State,
    pub(crate) deleted: bool,
    pub(crate) size: Option<u64>,
    pub(crate) version: u32,
    /// The encode that players are sent to.
    pub(crate) playback_version: Option<u32>,
    pub(crate) updated_at_us: i64,
}

/// An upload of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadLine {
    pub(crate) id: UploadId,
    pub(crate) state: UploadState,
    pub(crate) size: u64,
    pub(crate) received: u64,
}

/// An upload that counts for its account, although its video does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) upload: UploadId,
    pub(crate) video: VideoId,
    pub(crate) size: u64,
}

/// All rows of a video.
pub(crate) async fn rows(pool: &AnyPool, video: VideoId) -> Result<Rows, DbError> {
    let row = sqlx::query(
        "SELECT v.state, v.deleted_at_us, v.size, v.version, v.updated_at_us, m.playback_version \
         FROM videos v LEFT JOIN video_media m ON m.video = v.id WHERE v.id = $1",
    )
    .bind(video.to_string())
    .fetch_optional(pool)
    .await?;
    let uploads =
        sqlx::query("SELECT id, state, size, received FROM uploads WHERE video = $1 ORDER BY id")
            .bind(video.to_string())
            .fetch_all(pool)
            .await?;
    Ok(Rows {
        video: row.as_ref().map(read_video).transpose()?,
        uploads: uploads.iter().map(read_upload).collect::<Result<_, _>>()?,
    })
}

/// The first video after another that was not deleted, in the order of their ids.
pub(crate) async fn next_video(
    pool: &AnyPool,
    after: Option<VideoId>,
) -> Result<Option<VideoId>, DbError> {
    let row = sqlx::query(
        "SELECT id FROM videos WHERE id > $1 AND deleted_at_us IS NULL ORDER BY id LIMIT 1",
    )
    .bind(after.map_or_else(String::new, |video| video.to_string()))
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(|row| parsed(row, "id")).transpose()
}

/// Uploads that a quota counts whose videos are gone, a hundred at most.
pub(crate) async fn held_for_nothing(pool: &AnyPool) -> Result<Vec<Held>, DbError> {
    let rows = sqlx::query(
        "SELECT u.id, u.video, u.size FROM uploads u LEFT JOIN videos v ON v.id = u.video \
         WHERE u.state IN ('active', 'finished') AND (v.id IS NULL OR v.deleted_at_us IS NOT NULL) \
         ORDER BY u.id LIMIT 100",
    )
    .fetch_all(pool)
    .await?;
    let held = |row: &AnyRow| {
        let (upload, video) = (parsed(row, "id")?, parsed(row, "video")?);
        Ok(Held { upload, video, size: unsigned(row, "size")? })
    };
    rows.iter().map(held).collect()
}

/// Whether bytes may still come for an upload.
pub(crate) async fn is_active(pool: &AnyPool, upload: UploadId) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT id FROM uploads WHERE id = $1 AND state = 'active'")
        .bind(upload.to_string())
        .fetch_optional(pool)
        .await?;
    Ok(row.is_some())
}

fn read_video(row: &AnyRow) -> Result<VideoLine, DbError> {
    let version = |column| {
        let number: Option<i64> = get(row, column)?;
        number.map(u32::try_from).transpose().map_err(|error| DbError::stored(column, error))
    };
    Ok(VideoLine {
        state: parsed(row, "state")?,
        deleted: get::<Option<i64>>(row, "deleted_at_us")?.is_some(),
        size: get::<Option<i64>>(row, "size")?.map(i64::unsigned_abs),
        version: version("version")?.unwrap_or(1),
        playback_version: version("playback_version")?,
        updated_at_us: get(row, "updated_at_us")?,
    })
}

fn read_upload(row: &AnyRow) -> Result<UploadLine, DbError> {
    Ok(UploadLine {
        id: parsed(row, "id")?,
        state: parsed(row, "state")?,
        size: unsigned(row, "size")?,
        received: unsigned(row, "received")?,
    })
}
