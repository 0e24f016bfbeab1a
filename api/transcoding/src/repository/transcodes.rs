//! Encodes of videos.

use kinora_db::DbError;
use kinora_media::{AccountId, Priority, TraceContext, VideoId};
use kinora_queue::UploadedCaptions;
use sqlx::{Any, AnyConnection, Executor, FromRow};

use super::{Frozen, from_json, narrow, parse, to_json, widen};
use crate::state::{Chore, SwitchReason, VideoState};

/// An encode of a video.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transcode {
    pub video: VideoId,
    pub version: u32,
    pub account: AccountId,
    pub state: VideoState,
    pub revision: i64,
    pub source_key: String,
    pub source_size: u64,
    pub signed: bool,
    pub captions: Vec<UploadedCaptions>,
    /// The name of the profile that was asked for.
    pub profile: Option<String>,
    /// Whether somebody waits for it.
    pub priority: Priority,
    /// Planned; exact once ready.
    pub duration_us: Option<u64>,
    pub reason: Option<Reason>,
    pub wanted: i64,
    pub published: i64,
    pub frozen: Option<Frozen>,
    pub front_us: u64,
    pub front_at_us: Option<i64>,
    pub front_speed: f64,
    pub created_at_us: i64,
    pub planned_at_us: Option<i64>,
    pub playable_at_us: Option<i64>,
    pub plays_through_at_us: Option<i64>,
    /// The first chunk that is encoded on the CPU after a graphics processor was left.
    pub software_from: Option<u32>,
    /// Why it was.
    pub software_because: Option<SwitchReason>,
    /// What it follows from.
    pub trace: Option<TraceContext>,
}

/// Why a video failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    pub code: String,
    pub message: String,
}

#[derive(FromRow)]
struct Row {
    video: String,
    version: i64,
    account: String,
    state: String,
    revision: i64,
    source_key: String,
    source_size: i64,
    signed: i64,
    captions: String,
    profile: Option<String>,
    priority: String,
    duration_us: Option<i64>,
    reason_code: Option<String>,
    reason_message: Option<String>,
    wanted: i64,
    published: i64,
    frozen: Option<String>,
    front_us: i64,
    front_at_us: Option<i64>,
    front_speed: f64,
    created_at_us: i64,
    planned_at_us: Option<i64>,
    playable_at_us: Option<i64>,
    plays_through_at_us: Option<i64>,
    software_from: Option<i64>,
    software_because: Option<String>,
    trace: Option<String>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT video, version, account, state, revision, source_key, source_size, signed, \
             captions, profile, priority, duration_us, reason_code, reason_message, wanted, published, frozen, \
             front_us, front_at_us, front_speed, created_at_us, planned_at_us, playable_at_us, \
             plays_through_at_us, software_from, software_because, trace FROM transcodes ",
            $tail
        )
    };
}

impl TryFrom<Row> for Transcode {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            video: parse("video id", &row.video)?,
            version: narrow("version", row.version)?,
            account: parse("account", &row.account)?,
            state: VideoState::parse(&row.state)?,
            revision: row.revision,
            source_key: row.source_key,
            source_size: narrow("source size", row.source_size)?,
            signed: row.signed != 0,
            captions: from_json("captions", &row.captions)?,
            profile: row.profile,
            priority: parse("priority", &row.priority)?,
            duration_us: row.duration_us.map(|us| narrow("duration", us)).transpose()?,
            reason: row
                .reason_code
                .map(|code| Reason { code, message: row.reason_message.unwrap_or_default() }),
            wanted: row.wanted,
            published: row.published,
            frozen: row.frozen.map(|text| from_json("frozen index", &text)).transpose()?,
            front_us: narrow("front", row.front_us)?,
            front_at_us: row.front_at_us,
            front_speed: row.front_speed,
            created_at_us: row.created_at_us,
            planned_at_us: row.planned_at_us,
            playable_at_us: row.playable_at_us,
            plays_through_at_us: row.plays_through_at_us,
            software_from: row.software_from.map(|from| narrow("chunk", from)).transpose()?,
            software_because: row
                .software_because
                .map(|word| SwitchReason::parse(&word))
                .transpose()?,
            trace: row.trace.and_then(|text| text.parse().ok()),
        })
    }
}

/// One encode.
pub(crate) async fn find(
    db: impl Executor<'_, Database = Any>,
    video: VideoId,
    version: u32,
) -> Result<Option<Transcode>, DbError> {
    let row = sqlx::query_as::<_, Row>(select!("WHERE video = $1 AND version = $2"))
        .bind(video.to_string())
        .bind(i64::from(version))
        .fetch_optional(db)
        .await?;
    row.map(Transcode::try_from).transpose()
}

/// The newest encode of a video.
pub(crate) async fn latest(
    db: impl Executor<'_, Database = Any>,
    video: VideoId,
) -> Result<Option<Transcode>, DbError> {
    let row = sqlx::query_as::<_, Row>(select!("WHERE video = $1 ORDER BY version DESC LIMIT 1"))
        .bind(video.to_string())
        .fetch_optional(db)
        .await?;
    row.map(Transcode::try_from).transpose()
}

/// All encodes of a video, the oldest first.
pub(crate) async fn of_video(
    db: impl Executor<'_, Database = Any>,
    video: VideoId,
) -> Result<Vec<Transcode>, DbError> {
    let rows = sqlx::query_as::<_, Row>(select!("WHERE video = $1 ORDER BY version"))
        .bind(video.to_string())
        .fetch_all(db)
        .await?;
    rows.into_iter().map(Transcode::try_from).collect()
}

/// The first video after another, in the order of their ids.
pub(crate) async fn next_video(
    db: impl Executor<'_, Database = Any>,
    after: Option<VideoId>,
) -> Result<Option<VideoId>, DbError> {
    let next: Option<String> =
        sqlx::query_scalar("SELECT video FROM transcodes WHERE video > $1 ORDER BY video LIMIT 1")
            .bind(after.map_or_else(String::new, |video| video.to_string()))
            .fetch_optional(db)
            .await?;
    next.map(|video| parse("video id", &video)).transpose()
}

/// Encodes whose accepted results are not all in their head yet.
pub(crate) async fn unpublished(
    db: impl Executor<'_, Database = Any>,
) -> Result<Vec<Transcode>, DbError> {
    let rows = sqlx::query_as::<_, Row>(select!(
        "WHERE published < wanted AND state = 'encoding' ORDER BY created_at_us LIMIT 100"
    ))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Transcode::try_from).collect()
}

/// A new encode, as an event announced it.
#[derive(Debug)]
pub(crate) struct NewTranscode<'a> {
    pub video: VideoId,
    pub version: u32,
    pub account: &'a AccountId,
    pub state: VideoState,
    pub source_key: &'a str,
    pub source_size: u64,
    pub signed: bool,
    pub captions: &'a [UploadedCaptions],
    pub profile: Option<&'a str>,
    pub priority: Priority,
    pub trace: Option<TraceContext>,
    pub now_us: i64,
}

/// Writes a new encode; `false` if there was one.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    new: &NewTranscode<'_>,
) -> Result<bool, DbError> {
    let inserted = sqlx::query(
        "INSERT INTO transcodes (video, version, account, state, revision, source_key, \
             source_size, signed, captions, wanted, published, front_us, front_speed, \
             created_at_us, profile, priority, trace) \
         VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, 0, 0, 0, 0.0, $9, $10, $11, $12) \
         ON CONFLICT DO NOTHING",
    )
    .bind(new.video.to_string())
    .bind(i64::from(new.version))
    .bind(new.account.as_str())
    .bind(new.state.as_str())
    .bind(new.source_key)
    .bind(widen("source size", new.source_size)?)
    .bind(i64::from(new.signed))
    .bind(to_json("captions", &new.captions)?)
    .bind(new.now_us)
    .bind(new.profile)
    .bind(new.priority.as_str())
    .bind(new.trace.map(|trace| trace.to_string()))
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// `queued` → `encoding`.
pub(crate) async fn planned(
    db: &mut AnyConnection,
    video: VideoId,
    version: u32,
    duration_us: u64,
    now_us: i64,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE transcodes SET state = 'encoding', revision = revision + 1, duration_us = $1, \
             planned_at_us = $2 WHERE video = $3 AND version = $4 AND state = 'queued'",
    )
    .bind(widen("duration", duration_us)?)
    .bind(now_us)
    .bind(video.to_string())
    .bind(i64::from(version))
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Notes that there is something new to publish.
pub(crate) async fn want(
    db: &mut AnyConnection,
    video: VideoId,
    version: u32,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE transcodes SET wanted = wanted + 1, revision = revision + 1 \
         WHERE video = $1 AND version = $2",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .execute(db)
    .await?;
    Ok(())
}

/// What storing a head changed. Times that are `None` stay as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Published {
    pub published: i64,
    pub front_us: u64,
    pub front_at_us: Option<i64>,
    pub front_speed: f64,
    pub playable_at_us: Option<i64>,
    pub plays_through_at_us: Option<i64>,
    /// When and how long: the encode becomes `ready`, and will be swept at the other time.
    pub ready: Option<Ready>,
}

/// The end of an encode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ready {
    pub at_us: i64,
    pub duration_us: u64,
    pub sweep_at_us: i64,
}

/// Notes what a stored head shows; `false` if the row changed since it was read.
pub(crate) async fn published(
    db: &mut AnyConnection,
    transcode: &Transcode,
    change: &Published,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE transcodes SET revision = revision + 1, published = $1, front_us = $2, \
             front_at_us = COALESCE($3, front_at_us), front_speed = $4, \
             playable_at_us = COALESCE(playable_at_us, $5), \
             plays_through_at_us = COALESCE(plays_through_at_us, $6), \
             state = CASE WHEN $7 = 1 THEN 'ready' ELSE state END, \
             finished_at_us = $8, duration_us = COALESCE($9, duration_us), \
             chore = CASE WHEN $7 = 1 THEN 'sweep' ELSE chore END, \
             chore_at_us = COALESCE($10, chore_at_us) \
         WHERE video = $11 AND version = $12 AND revision = $13 AND state = 'encoding'",
    )
    .bind(change.published)
    .bind(widen("front", change.front_us)?)
    .bind(change.front_at_us)
    .bind(change.front_speed)
    .bind(change.playable_at_us)
    .bind(change.plays_through_at_us)
    .bind(i64::from(change.ready.is_some()))
    .bind(change.ready.map(|ready| ready.at_us))
    .bind(change.ready.map(|ready| widen("duration", ready.duration_us)).transpose()?)
    .bind(change.ready.map(|ready| ready.sweep_at_us))
    .bind(transcode.video.to_string())
    .bind(i64::from(transcode.version))
    .bind(transcode.revision)
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// `queued` or `encoding` → `failed`, or `was_ready` → `failed`, where its objects are gone; what there
/// is of them is to be removed. `false` if it was in another state.
pub(crate) async fn fail(
    db: &mut AnyConnection,
    (video, version): (VideoId, u32),
    was_ready: bool,
    reason: &Reason,
    now_us: i64,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE transcodes SET state = 'failed', revision = revision + 1, reason_code = $1, \
             reason_message = $2, finished_at_us = COALESCE(finished_at_us, $3), chore = $4, \
             chore_at_us = $3 \
         WHERE video = $5 AND version = $6 AND ((state = 'ready' AND $7 = 1) \
             OR (state IN ('queued', 'encoding') AND $7 = 0))",
    )
    .bind(&reason.code)
    .bind(&reason.message)
    .bind(now_us)
    .bind(Chore::Remove.as_str())
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(i64::from(was_ready))
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Every encode of a deleted video → `cancelled`, objects to be removed; how many.
pub(crate) async fn cancel(
    db: &mut AnyConnection,
    video: VideoId,
    now_us: i64,
) -> Result<u64, DbError> {
    let updated = sqlx::query(
        "UPDATE transcodes SET state = 'cancelled', revision = revision + 1, \
             finished_at_us = COALESCE(finished_at_us, $1), chore = $2, chore_at_us = $1 \
         WHERE video = $3 AND state <> 'cancelled'",
    )
    .bind(now_us)
    .bind(Chore::Remove.as_str())
    .bind(video.to_string())
    .execute(db)
    .await?;
    Ok(updated.rows_affected())
}
