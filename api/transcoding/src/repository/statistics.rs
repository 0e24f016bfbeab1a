//! Counts for people.

use std::collections::{BTreeMap, BTreeSet};

use kinora_db::DbError;
use kinora_http::Cursor;
use kinora_media::{AccountId, JobId, TrackId, VideoId};
use kinora_plan::{Warning, device::EncoderFamily, job::JobClass};
use sqlx::{Any, AnyPool, Executor, FromRow, Row as _};

use super::{
    device, from_json,
    jobs::{self, Job, Row, select_job},
    narrow, parse,
};
use crate::state::JobState;

/// Jobs of one class and state, for one kind of worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub class: JobClass,
    /// The graphics processors they are for.
    pub device: Option<EncoderFamily>,
    pub state: JobState,
    pub jobs: u64,
    /// Frames, or milliseconds of sound.
    pub work: u64,
}

#[derive(FromRow)]
pub(super) struct TallyRow {
    class: String,
    device: String,
    state: String,
    jobs: i64,
    work: i64,
}

/// The jobs of an encode, counted.
pub(crate) async fn tally(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
) -> Result<Vec<Tally>, DbError> {
    let rows = sqlx::query_as::<_, TallyRow>(
        "SELECT class, device, state, CAST(COUNT(*) AS BIGINT) AS jobs, \
             CAST(SUM(work) AS BIGINT) AS work \
         FROM jobs WHERE video = $1 AND version = $2 GROUP BY class, device, state",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Tally::try_from).collect()
}

impl TryFrom<TallyRow> for Tally {
    type Error = DbError;

    fn try_from(row: TallyRow) -> Result<Self, DbError> {
        Ok(Self {
            class: jobs::class(&row.class)?,
            device: device(&row.device)?,
            state: JobState::parse(&row.state)?,
            jobs: narrow("count", row.jobs)?,
            work: narrow("work", row.work)?,
        })
    }
}

/// The jobs of all encodes that are not over, counted.
pub(crate) async fn open(db: impl Executor<'_, Database = Any>) -> Result<Vec<Tally>, DbError> {
    let rows = sqlx::query_as::<_, TallyRow>(
        "SELECT class, device, state, CAST(COUNT(*) AS BIGINT) AS jobs, \
             CAST(SUM(work) AS BIGINT) AS work \
         FROM jobs WHERE state IN ('waiting', 'dispatched', 'running') \
         GROUP BY class, device, state",
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Tally::try_from).collect()
}

/// What jobs of one class took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    pub jobs: u64,
    /// Frames, or milliseconds of sound; 0 for classes that do not count it.
    pub work: u64,
    pub seconds: f64,
}

/// What was measured, by class and the graphics processors that did it.
pub(crate) type Paces = BTreeMap<(JobClass, Option<EncoderFamily>), Pace>;

/// What jobs took that were done since a time.
pub(crate) async fn paces(
    db: impl Executor<'_, Database = Any>,
    since_us: i64,
) -> Result<Paces, DbError> {
    let rows = sqlx::query(
        "SELECT class, device, CAST(COUNT(*) AS BIGINT) AS jobs, \
             CAST(SUM(work) AS BIGINT) AS work, \
             CAST(SUM(finished_at_us - started_at_us) AS BIGINT) AS took \
         FROM jobs WHERE state = 'done' AND finished_at_us >= $1 AND started_at_us IS NOT NULL \
         GROUP BY class, device",
    )
    .bind(since_us)
    .fetch_all(db)
    .await?;
    let pace = |row: &sqlx::any::AnyRow| {
        let class: String = row.try_get("class")?;
        let took_us: i64 = row.try_get("took")?;
        let (jobs, work): (i64, i64) = (row.try_get("jobs")?, row.try_get("work")?);
        let pace = Pace {
            jobs: narrow("count", jobs)?,
            work: narrow("work", work)?,
            seconds: took_us as f64 / 1e6,
        };
        Ok(((jobs::class(&class)?, device(row.try_get("device")?)?), pace))
    };
    rows.iter().map(pace).collect()
}

/// Jobs that workers have now.
pub(crate) async fn running(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
) -> Result<Vec<Job>, DbError> {
    let rows = sqlx::query_as::<_, Row>(select_job!(
        "WHERE video = $1 AND version = $2 AND state = 'running' ORDER BY position_us"
    ))
    .bind(video.to_string())
    .bind(i64::from(version))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Job::try_from).collect()
}

/// The job that holds the rest up: of those not over, the first in the order of dispatch.
pub(crate) async fn first_open(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
) -> Result<Option<Job>, DbError> {
    let row = sqlx::query_as::<_, Row>(select_job!(
        "WHERE video = $1 AND version = $2 AND state IN ('waiting', 'dispatched', 'running') \
         ORDER BY priority, position_us LIMIT 1"
    ))
    .bind(video.to_string())
    .bind(i64::from(version))
    .fetch_optional(db)
    .await?;
    row.map(Job::try_from).transpose()
}

/// Whether all jobs of the picture are done, and the soundtracks that are; whether the optional
/// jobs are over, with a result or without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Finished {
    pub video: bool,
    pub audio: BTreeSet<TrackId>,
    pub pictures: bool,
    pub texts: bool,
}

/// What an encode has finished.
pub(crate) async fn finished(
    db: &AnyPool,
    (video, version): (VideoId, u32),
) -> Result<Finished, DbError> {
    let rows = sqlx::query(
        "SELECT class, track, CAST(COUNT(*) AS BIGINT) AS jobs, \
             CAST(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS BIGINT) AS done, \
             CAST(SUM(CASE WHEN state IN ('done', 'failed', 'cancelled') THEN 1 ELSE 0 END) \
                 AS BIGINT) AS ended \
         FROM jobs WHERE video = $1 AND version = $2 AND class <> 'probe' GROUP BY class, track",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .fetch_all(db)
    .await?;
    let mut finished =
        Finished { video: true, audio: BTreeSet::new(), pictures: true, texts: true };
    for row in rows {
        let (jobs, done): (i64, i64) = (row.try_get("jobs")?, row.try_get("done")?);
        let (class, ended): (String, i64) = (row.try_get("class")?, row.try_get("ended")?);
        let track: Option<String> = row.try_get("track")?;
        match (jobs::class(&class)?, track) {
            (JobClass::MakePictures, _) => finished.pictures = jobs == ended,
            (JobClass::ExtractText, _) => finished.texts = jobs == ended,
            (JobClass::EncodeChunk, _) => finished.video = jobs == done,
            (JobClass::EncodeAudio, Some(track)) if jobs == done => {
                finished.audio.insert(parse("track id", &track)?);
            }
            _ => {}
        }
    }
    Ok(finished)
}

/// What was lost on the way, by the jobs that lost it.
pub(crate) async fn warnings(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
) -> Result<Vec<Warning>, DbError> {
    let texts: Vec<String> = sqlx::query_scalar(
        "SELECT warnings FROM jobs WHERE video = $1 AND version = $2 \
             AND warnings IS NOT NULL AND warnings <> '[]' ORDER BY position_us LIMIT 100",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .fetch_all(db)
    .await?;
    let mut all = Vec::new();
    for text in texts {
        all.extend(from_json::<Vec<Warning>>("warnings", &text)?);
    }
    Ok(all)
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobFilter {
    pub video: Option<VideoId>,
    pub state: Option<JobState>,
    pub before: Option<Cursor>,
}

/// An account's jobs, newest first.
pub(crate) async fn list(
    db: impl Executor<'_, Database = Any>,
    account: &AccountId,
    filter: &JobFilter,
    limit: u32,
) -> Result<Vec<Job>, DbError> {
    let before = filter.before;
    let rows = sqlx::query_as::<_, Row>(select_job!(
        "WHERE account = $1 AND (video = $2 OR $2 IS NULL) AND (state = $3 OR $3 IS NULL) \
             AND (created_at_us < $4 OR (created_at_us = $4 AND id < $5)) \
         ORDER BY created_at_us DESC, id DESC LIMIT $6"
    ))
    .bind(account.as_str())
    .bind(filter.video.map(|video| video.to_string()))
    .bind(filter.state.map(JobState::as_str))
    .bind(before.map_or(i64::MAX, |cursor| cursor.created_at_us))
    .bind(before.map_or_else(String::new, |cursor| JobId(cursor.id).to_string()))
    .bind(i64::from(limit))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Job::try_from).collect()
}
