//! Jobs: the backlog, and what became of each.

use kinora_db::DbError;
use kinora_media::{AccountId, JobId, TrackId, VideoId};
use kinora_plan::{
    Warning,
    device::EncoderFamily,
    encoder::{Failure, FailureKind},
    job::JobClass,
};
use sqlx::{Any, AnyConnection, Executor, FromRow};

use super::{device, device_word, from_json, narrow, parse, to_json, widen};
use crate::state::{JobState, retry::Tries};

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    pub id: JobId,
    pub video: VideoId,
    pub version: u32,
    pub account: AccountId,
    pub class: JobClass,
    pub track: Option<TrackId>,
    pub chunk: Option<u32>,
    /// The graphics processors it is for.
    pub device: Option<EncoderFamily>,
    pub state: JobState,
    pub attempt: u32,
    pub tries: Tries,
    /// The less, the sooner.
    pub urgency: i64,
    pub queued_at_us: i64,
    pub position_us: i64,
    pub not_before_us: i64,
    pub lease_until_us: Option<i64>,
    pub sent: bool,
    pub worker: Option<String>,
    /// Frames of a chunk, or milliseconds of sound.
    pub work: u64,
    pub progress: Option<(u64, u64)>,
    pub parts: u32,
    pub warnings: Vec<Warning>,
    pub error: Option<Failure>,
    /// Whether it may take its time.
    pub bulk: bool,
    pub created_at_us: i64,
    pub started_at_us: Option<i64>,
    pub finished_at_us: Option<i64>,
}

#[derive(FromRow)]
pub(super) struct Row {
    id: String,
    video: String,
    version: i64,
    account: String,
    class: String,
    track: Option<String>,
    chunk: Option<i64>,
    device: String,
    state: String,
    attempt: i64,
    strikes: i64,
    setbacks: i64,
    priority: i64,
    queued_at_us: i64,
    position_us: i64,
    not_before_us: i64,
    lease_until_us: Option<i64>,
    sent: i64,
    worker: Option<String>,
    work: i64,
    progress_done: Option<i64>,
    progress_total: Option<i64>,
    parts: i64,
    warnings: Option<String>,
    error_kind: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    bulk: i64,
    created_at_us: i64,
    started_at_us: Option<i64>,
    finished_at_us: Option<i64>,
}

macro_rules! select_job {
    ($tail:literal) => {
        concat!(
            "SELECT id, video, version, account, class, track, chunk, device, state, attempt, \
             strikes, setbacks, priority, queued_at_us, position_us, not_before_us, lease_until_us, sent, worker, work, \
             progress_done, progress_total, parts, warnings, error_kind, error_code, \
             error_message, bulk, created_at_us, started_at_us, finished_at_us FROM jobs ",
            $tail
        )
    };
}
pub(super) use select_job;

impl TryFrom<Row> for Job {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let progress = row.progress_done.zip(row.progress_total);
        Ok(Self {
            id: parse("job id", &row.id)?,
            video: parse("video id", &row.video)?,
            version: narrow("version", row.version)?,
            account: parse("account", &row.account)?,
            class: class(&row.class)?,
            track: row.track.map(|track| parse("track id", &track)).transpose()?,
            chunk: row.chunk.map(|chunk| narrow("chunk", chunk)).transpose()?,
            device: device(&row.device)?,
            state: JobState::parse(&row.state)?,
            attempt: narrow("attempt", row.attempt)?,
            tries: Tries {
                strikes: narrow("strikes", row.strikes)?,
                setbacks: narrow("setbacks", row.setbacks)?,
            },
            urgency: row.priority,
            queued_at_us: row.queued_at_us,
            position_us: row.position_us,
            not_before_us: row.not_before_us,
            lease_until_us: row.lease_until_us,
            sent: row.sent != 0,
            worker: row.worker,
            work: narrow("work", row.work)?,
            progress: progress
                .map(|(done, total)| {
                    Ok::<_, DbError>((narrow("done", done)?, narrow("total", total)?))
                })
                .transpose()?,
            parts: narrow("parts", row.parts)?,
            warnings: row.warnings.map_or(Ok(Vec::new()), |text| from_json("warnings", &text))?,
            error: row
                .error_kind
                .map(|kind| {
                    Ok::<_, DbError>(Failure {
                        kind: failure_kind(&kind)?,
                        code: row.error_code.unwrap_or_default(),
                        message: row.error_message.unwrap_or_default(),
                    })
                })
                .transpose()?,
            bulk: row.bulk != 0,
            created_at_us: row.created_at_us,
            started_at_us: row.started_at_us,
            finished_at_us: row.finished_at_us,
        })
    }
}

pub(super) fn class(word: &str) -> Result<JobClass, DbError> {
    let class = JobClass::ALL.into_iter().find(|class| class.as_str() == word);
    class.ok_or_else(|| DbError::stored("job class", format!("'{word}'")))
}

/// The word of a kind of failure in tables and answers.
pub(crate) fn failure_word(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Input => "input",
        FailureKind::Resource => "resource",
        FailureKind::Internal => "internal",
        FailureKind::Gpu => "gpu",
    }
}

fn failure_kind(word: &str) -> Result<FailureKind, DbError> {
    let kinds =
        [FailureKind::Input, FailureKind::Resource, FailureKind::Internal, FailureKind::Gpu];
    let kind = kinds.into_iter().find(|kind| failure_word(*kind) == word);
    kind.ok_or_else(|| DbError::stored("failure kind", format!("'{word}'")))
}

/// One job.
pub(crate) async fn find(
    db: impl Executor<'_, Database = Any>,
    id: JobId,
) -> Result<Option<Job>, DbError> {
    let row = sqlx::query_as::<_, Row>(select_job!("WHERE id = $1"))
        .bind(id.to_string())
        .fetch_optional(db)
        .await?;
    row.map(Job::try_from).transpose()
}

/// A job to put into the backlog.
#[derive(Debug)]
pub(crate) struct NewJob {
    pub id: JobId,
    pub class: JobClass,
    pub track: Option<TrackId>,
    pub chunk: Option<u32>,
    /// The graphics processors it is for.
    pub device: Option<EncoderFamily>,
    pub priority: i64,
    pub position_us: i64,
    pub work: u64,
}

/// Puts a job of `video` into the backlog. Jobs of one video queue up where it did.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    (video, version, account): (VideoId, u32, &AccountId),
    queued_at_us: i64,
    job: &NewJob,
    now_us: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO jobs (id, video, version, account, class, track, chunk, state, attempt, \
             strikes, setbacks, priority, queued_at_us, position_us, not_before_us, sent, work, \
             parts, created_at_us, device, bulk) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, 0, 0, $8, $9, $10, $11, 0, $12, 0, $11, $13, \
             COALESCE((SELECT CASE WHEN priority = 'bulk' THEN 1 ELSE 0 END FROM transcodes \
                 WHERE video = $2 AND version = $3), 0))",
    )
    .bind(job.id.to_string())
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(account.as_str())
    .bind(job.class.as_str())
    .bind(job.track.as_ref().map(TrackId::as_str))
    .bind(job.chunk.map(i64::from))
    .bind(job.priority)
    .bind(queued_at_us)
    .bind(job.position_us)
    .bind(now_us)
    .bind(widen("work", job.work)?)
    .bind(device_word(job.device))
    .execute(db)
    .await?;
    Ok(())
}

/// Accepts the final result of `attempt`; `false` if it is not the current one, or if the job
/// has no other number of `parts`.
pub(crate) async fn finish(
    db: &mut AnyConnection,
    (id, attempt, parts): (JobId, u32, u32),
    worker: &str,
    warnings: &[Warning],
    now_us: i64,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE jobs SET state = 'done', worker = $1, warnings = $2, finished_at_us = $3, \
             started_at_us = COALESCE(started_at_us, $3), lease_until_us = NULL, \
             error_kind = NULL, error_code = NULL, error_message = NULL \
         WHERE id = $4 AND attempt = $5 AND parts = $6 AND state IN ('dispatched', 'running')",
    )
    .bind(worker)
    .bind(to_json("warnings", &warnings)?)
    .bind(now_us)
    .bind(id.to_string())
    .bind(i64::from(attempt))
    .bind(i64::from(parts))
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Accepts part `part` of `attempt`, a sign of life too; `false` if it is not the next part of
/// the current attempt.
pub(crate) async fn accept_part(
    db: &mut AnyConnection,
    (id, attempt, part): (JobId, u32, u32),
    worker: &str,
    now_us: i64,
    lease_until_us: i64,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE jobs SET parts = parts + 1, state = 'running', worker = $1, \
             started_at_us = COALESCE(started_at_us, $2), lease_until_us = $3 \
         WHERE id = $4 AND attempt = $5 AND parts = $6 AND state IN ('dispatched', 'running')",
    )
    .bind(worker)
    .bind(now_us)
    .bind(lease_until_us)
    .bind(id.to_string())
    .bind(i64::from(attempt))
    .bind(i64::from(part))
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Puts a job back into the backlog, fencing its current attempt; `false` if that is not
/// `attempt`, or if it is over. With `lease`, only while that lease has not been renewed.
pub(crate) async fn put_back(
    db: &mut AnyConnection,
    (id, attempt, lease): (JobId, u32, Option<i64>),
    tries: Tries,
    error: Option<&Failure>,
    not_before_us: i64,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE jobs SET state = 'waiting', strikes = $1, setbacks = $2, not_before_us = $3, \
             lease_until_us = NULL, sent = 0, progress_done = NULL, progress_total = NULL, \
             error_kind = COALESCE($4, error_kind), error_code = COALESCE($5, error_code), \
             error_message = COALESCE($6, error_message) \
         WHERE id = $7 AND attempt = $8 AND state IN ('dispatched', 'running') \
             AND (lease_until_us = $9 OR $9 IS NULL)",
    )
    .bind(i64::from(tries.strikes))
    .bind(i64::from(tries.setbacks))
    .bind(not_before_us)
    .bind(error.map(|error| failure_word(error.kind)))
    .bind(error.map(|error| error.code.as_str()))
    .bind(error.map(|error| error.message.as_str()))
    .bind(id.to_string())
    .bind(i64::from(attempt))
    .bind(lease)
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Ends a job without a result, on the same conditions as [`put_back`].
pub(crate) async fn fail(
    db: &mut AnyConnection,
    (id, attempt, lease): (JobId, u32, Option<i64>),
    error: &Failure,
    now_us: i64,
) -> Result<bool, DbError> {
    let updated = sqlx::query(
        "UPDATE jobs SET state = 'failed', lease_until_us = NULL, finished_at_us = $1, \
             error_kind = $2, error_code = $3, error_message = $4 \
         WHERE id = $5 AND attempt = $6 AND state IN ('dispatched', 'running') \
             AND (lease_until_us = $7 OR $7 IS NULL)",
    )
    .bind(now_us)
    .bind(failure_word(error.kind))
    .bind(&error.code)
    .bind(&error.message)
    .bind(id.to_string())
    .bind(i64::from(attempt))
    .bind(lease)
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Notes what is lost with a job that failed.
pub(crate) async fn warn(
    db: &mut AnyConnection,
    id: JobId,
    warnings: &[Warning],
) -> Result<(), DbError> {
    sqlx::query("UPDATE jobs SET warnings = $1 WHERE id = $2")
        .bind(to_json("warnings", &warnings)?)
        .bind(id.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Cancels what is not over of a video's jobs: of one version, or of all.
pub(crate) async fn cancel(
    db: &mut AnyConnection,
    video: VideoId,
    version: Option<u32>,
    now_us: i64,
) -> Result<u64, DbError> {
    let updated = sqlx::query(
        "UPDATE jobs SET state = 'cancelled', lease_until_us = NULL, finished_at_us = $1 \
         WHERE video = $2 AND (version = $3 OR $3 IS NULL) \
             AND state IN ('waiting', 'dispatched', 'running')",
    )
    .bind(now_us)
    .bind(video.to_string())
    .bind(version.map(i64::from))
    .execute(db)
    .await?;
    Ok(updated.rows_affected())
}

/// Puts an account's failed jobs away that ended until `before_us`: of one video, or of all. They keep
/// what they ended with.
pub(crate) async fn purge(
    db: &mut AnyConnection,
    account: &AccountId,
    video: Option<VideoId>,
    before_us: i64,
) -> Result<u64, DbError> {
    let updated = sqlx::query(
        "UPDATE jobs SET state = 'cancelled' WHERE account = $1 AND state = 'failed' \
             AND finished_at_us <= $2 AND (video = $3 OR $3 IS NULL)",
    )
    .bind(account.as_str())
    .bind(before_us)
    .bind(video.map(|video| video.to_string()))
    .execute(db)
    .await?;
    Ok(updated.rows_affected())
}
