//! Moving jobs to workers: what is waiting, claims, leases.

use std::collections::BTreeMap;

use kinora_db::{Database, DbError};
use kinora_media::{AccountId, JobId, VideoId};
use kinora_plan::{device::EncoderFamily, job::JobClass};
use sqlx::{Any, AnyConnection, AnyPool, Executor, Row as _};

use super::{
    device, device_word,
    jobs::{Job, Row, select_job},
    narrow, parse,
};
use crate::state::JobState;

/// What is on lanes or with workers.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    /// How many jobs of each account.
    pub by_account: BTreeMap<AccountId, u64>,
    /// How many that are for each family of graphics processors, and for none.
    pub by_device: BTreeMap<Option<EncoderFamily>, OnLane>,
}

impl InFlight {
    /// How many jobs keep workers busy that have a graphics processor, or any workers.
    pub(crate) fn for_workers_with(&self, device: Option<EncoderFamily>) -> u64 {
        let lanes = self.by_device.iter();
        let lanes = lanes.filter(|(family, _)| device.is_none() || **family == device);
        lanes.map(|(_, lane)| lane.dispatched + lane.running).sum()
    }
}

/// Jobs of some lanes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OnLane {
    /// No worker has given a sign of life of.
    pub dispatched: u64,
    /// With workers.
    pub running: u64,
}

/// What is in flight.
pub(crate) async fn in_flight(db: &AnyPool) -> Result<InFlight, DbError> {
    let rows = sqlx::query(
        "SELECT account, device, state, CAST(COUNT(*) AS BIGINT) AS jobs FROM jobs \
         WHERE state IN ('dispatched', 'running') GROUP BY account, device, state",
    )
    .fetch_all(db)
    .await?;
    let mut in_flight = InFlight::default();
    for row in rows {
        let jobs: u64 = narrow("count", row.try_get("jobs")?)?;
        let account = parse("account", row.try_get("account")?)?;
        *in_flight.by_account.entry(account).or_default() += jobs;
        let lane = in_flight.by_device.entry(device(row.try_get("device")?)?).or_default();
        match JobState::parse(row.try_get("state")?)? {
            JobState::Running => lane.running += jobs,
            _ => lane.dispatched += jobs,
        }
    }
    Ok(in_flight)
}

/// Jobs that wait for the same: an account's, of one kind, for the same workers.
#[derive(Debug)]
pub(crate) struct Queue {
    pub device: Option<EncoderFamily>,
    pub bulk: bool,
    pub account: AccountId,
}

/// The queues that are not empty: all of them, or those for graphics processors alone.
pub(crate) async fn queues(db: &AnyPool, all: bool) -> Result<Vec<Queue>, DbError> {
    let sql = if all {
        "SELECT DISTINCT device, bulk, account FROM jobs WHERE state = 'waiting'"
    } else {
        "SELECT DISTINCT device, bulk, account FROM jobs WHERE state = 'waiting' AND device > ''"
    };
    let queue = |row: &sqlx::any::AnyRow| {
        let bulk: i64 = row.try_get("bulk")?;
        Ok(Queue {
            device: device(row.try_get("device")?)?,
            bulk: bulk != 0,
            account: parse("account", row.try_get("account")?)?,
        })
    };
    sqlx::query(sql).fetch_all(db).await?.iter().map(queue).collect()
}

/// The jobs of a queue that are due next, at most `limit`, in the order they should go.
pub(crate) async fn due(
    db: &AnyPool,
    queue: &Queue,
    now_us: i64,
    limit: usize,
) -> Result<Vec<Job>, DbError> {
    let rows = sqlx::query_as::<_, Row>(select_job!(
        "WHERE state = 'waiting' AND device = $1 AND bulk = $2 AND account = $3 \
             AND not_before_us <= $4 ORDER BY priority, queued_at_us, position_us, id LIMIT $5"
    ))
    .bind(device_word(queue.device))
    .bind(i64::from(queue.bulk))
    .bind(queue.account.as_str())
    .bind(now_us)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Job::try_from).collect()
}

/// The bulk job for some workers that has waited longest, if it has waited since `since_us` and no bulk
/// job is with one of them or on its way to one.
pub(crate) async fn overdue(
    db: &AnyPool,
    device: Option<EncoderFamily>,
    since_us: i64,
    now_us: i64,
) -> Result<Option<Job>, DbError> {
    let row = sqlx::query_as::<_, Row>(select_job!(
        "WHERE state = 'waiting' AND bulk = 1 AND queued_at_us <= $1 AND not_before_us <= $2 \
             AND device = $3 AND NOT EXISTS (SELECT 1 FROM jobs \
                 WHERE bulk = 1 AND state IN ('dispatched', 'running') AND device = $3) \
         ORDER BY queued_at_us, priority, position_us, id LIMIT 1"
    ))
    .bind(since_us)
    .bind(now_us)
    .bind(device_word(device))
    .fetch_optional(db)
    .await?;
    row.map(Job::try_from).transpose()
}

/// Claims a waiting job for the dispatch lane: a new attempt, under a lease. The claimed job, or
/// `None` if somebody else was faster, or if its account has `most` jobs in flight by now: the same
/// statement counts and claims, so that replicas together keep to it.
pub(crate) async fn claim(
    db: &mut AnyConnection,
    job: &Job,
    most: Option<u32>,
    now_us: i64,
    lease_until_us: i64,
) -> Result<Option<Job>, DbError> {
    let updated = sqlx::query(
        "UPDATE jobs SET state = 'dispatched', attempt = attempt + 1, lease_until_us = $1, \
             sent = 0, worker = NULL, started_at_us = NULL \
         WHERE id = $2 AND state = 'waiting' AND attempt = $3 AND not_before_us <= $4 \
             AND (SELECT CAST(COUNT(*) AS BIGINT) FROM jobs \
                 WHERE account = $5 AND state IN ('dispatched', 'running')) < $6",
    )
    .bind(lease_until_us)
    .bind(job.id.to_string())
    .bind(i64::from(job.attempt))
    .bind(now_us)
    .bind(job.account.as_str())
    .bind(most.map_or(i64::MAX, i64::from))
    .execute(&mut *db)
    .await?;
    if updated.rows_affected() == 0 {
        return Ok(None);
    }
    super::jobs::find(db, job.id).await
}

/// Notes that the queue has confirmed the message of an attempt.
pub(crate) async fn sent(
    db: &mut AnyConnection,
    job: &Job,
    lease_until_us: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE jobs SET sent = 1, lease_until_us = $1 \
         WHERE id = $2 AND attempt = $3 AND state = 'dispatched'",
    )
    .bind(lease_until_us)
    .bind(job.id.to_string())
    .bind(i64::from(job.attempt))
    .execute(db)
    .await?;
    Ok(())
}

/// A sign of life of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignOfLife {
    pub job: JobId,
    pub attempt: u32,
    pub worker: String,
    pub done: u64,
    pub total: u64,
}

/// Renews the lease of a running job; what it works on, or `None` if that attempt has lost it.
pub(crate) async fn renew(
    db: &mut AnyConnection,
    sign: &SignOfLife,
    now_us: i64,
    lease_until_us: i64,
) -> Result<Option<(VideoId, JobClass)>, DbError> {
    let clamp = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let row = sqlx::query(
        "UPDATE jobs SET state = 'running', worker = $1, progress_done = $2, \
             progress_total = $3, lease_until_us = $4, sent = 1, \
             started_at_us = COALESCE(started_at_us, $5) \
         WHERE id = $6 AND attempt = $7 AND state IN ('dispatched', 'running') \
         RETURNING video, class",
    )
    .bind(&sign.worker)
    .bind(clamp(sign.done))
    .bind(clamp(sign.total))
    .bind(lease_until_us)
    .bind(now_us)
    .bind(sign.job.to_string())
    .bind(i64::from(sign.attempt))
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let (video, class): (String, String) = (row.try_get("video")?, row.try_get("class")?);
        Ok((parse("video id", &video)?, super::jobs::class(&class)?))
    })
    .transpose()
}

/// Whether a worker is at a job for such a device, or was done with one since.
pub(crate) async fn is_served(
    db: impl Executor<'_, Database = Any>,
    device: EncoderFamily,
    since_us: i64,
) -> Result<bool, DbError> {
    let served: i64 = sqlx::query_scalar(
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE device = $1 \
             AND (state = 'running' OR (state = 'done' AND finished_at_us >= $2))) \
             THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END",
    )
    .bind(device.as_str())
    .bind(since_us)
    .fetch_one(db)
    .await?;
    Ok(served != 0)
}

/// Jobs whose lease is over.
pub(crate) async fn expired(
    db: impl Executor<'_, Database = Any>,
    now_us: i64,
) -> Result<Vec<Job>, DbError> {
    let rows = sqlx::query_as::<_, Row>(select_job!(
        "WHERE lease_until_us < $1 ORDER BY lease_until_us, position_us LIMIT 100"
    ))
    .bind(now_us)
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Job::try_from).collect()
}

/// Jobs that a process that is no more had in flight.
pub(crate) async fn leased(db: impl Executor<'_, Database = Any>) -> Result<Vec<Job>, DbError> {
    let rows = sqlx::query_as::<_, Row>(select_job!(
        "WHERE state IN ('dispatched', 'running') ORDER BY queued_at_us, position_us"
    ))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Job::try_from).collect()
}

/// Takes every job that is not over away from whoever may be at it: what was reported, stored or put
/// on a lane under attempts that this database has forgotten is not taken for the next ones'.
///
/// For a database that was restored and nobody uses yet.
pub async fn fence_attempts(db: &Database) -> Result<(), DbError> {
    let mut tx = db.begin_write().await?;
    sqlx::query(
        "UPDATE jobs SET attempt = attempt + $1, sent = 0, \
             lease_until_us = CASE WHEN lease_until_us IS NULL THEN NULL ELSE 0 END \
         WHERE finished_at_us IS NULL",
    )
    .bind(FORGOTTEN)
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// More attempts of a job than there ever are.
const FORGOTTEN: i64 = 1000;
