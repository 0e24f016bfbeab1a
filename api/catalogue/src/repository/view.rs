//! The joined row that queries read.

use kinora_db::DbError;
use kinora_http::Cursor;
use kinora_media::{AccountId, Chapter, Priority, VideoId};
use sqlx::{AnyPool, any::AnyRow};
use uuid::Uuid;

use super::{get, parsed, unsigned};
use crate::model::{Reason, State, UploadId, Visibility};

/// All that is known of a video in one row, except its captions.
#[derive(Debug, Clone)]
pub(crate) struct VideoRow {
    pub(crate) id: VideoId,
    pub(crate) account: AccountId,
    pub(crate) title: String,
    pub(crate) visibility: Visibility,
    pub(crate) file_name: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) profile: Option<String>,
    pub(crate) priority: Priority,
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
    /// Whether that version has a poster and a storyboard.
    pub(crate) pictures: bool,
    pub(crate) chapters: Vec<Chapter>,
}

/// The upload that bytes may still come for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActiveUpload {
    pub(crate) id: UploadId,
    pub(crate) received: u64,
    pub(crate) size: u64,
}

const JOINED: &str = "SELECT v.id, v.account, v.title, v.visibility, v.file_name, v.size, v.profile, v.priority, \
         v.state, v.reason_code, v.reason_message, v.created_at_us, v.updated_at_us, \
         m.duration_us, m.width, m.height, m.warnings, m.playback_version, \
         m.pictures, m.chapters, \
         u.id AS upload_id, u.received AS upload_received, u.size AS upload_size \
     FROM videos v LEFT JOIN video_media m ON m.video = v.id \
         LEFT JOIN uploads u ON u.video = v.id AND u.state = 'active' \
     WHERE v.deleted_at_us IS NULL AND ";

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
        profile: get(row, "profile")?,
        priority: parsed(row, "priority")?,
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
        pictures: get::<i64>(row, "pictures")? != 0,
        chapters: serde_json::from_str(&get::<String>(row, "chapters")?)
            .map_err(|e| DbError::stored("chapters", e))?,
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
