//! What stands before a job in the backlog, whoever it belongs to.

use kinora_db::DbError;
use sqlx::AnyPool;

use super::{
    jobs::Job,
    narrow,
    statistics::{Tally, TallyRow},
};

/// Jobs that are due and go before another, by the order of dispatch within a kind. Fair shares
/// between accounts make it an estimate.
macro_rules! ahead {
    ($what:literal, $tail:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM jobs a, jobs b WHERE b.id = $1 \
                 AND a.state = 'waiting' AND a.not_before_us <= $2 AND a.id <> b.id \
                 AND (a.bulk < b.bulk OR (a.bulk = b.bulk \
                     AND (a.priority < b.priority OR (a.priority = b.priority \
                         AND (a.queued_at_us < b.queued_at_us OR (a.queued_at_us = b.queued_at_us \
                             AND a.position_us < b.position_us)))))) ",
            $tail
        )
    };
}

/// How many jobs.
pub(crate) async fn jobs(db: &AnyPool, job: &Job, now_us: i64) -> Result<u64, DbError> {
    count(db, ahead!("CAST(COUNT(*) AS BIGINT)", ""), job, now_us).await
}

/// How many other videos they belong to.
pub(crate) async fn videos(db: &AnyPool, job: &Job, now_us: i64) -> Result<u64, DbError> {
    let sql = ahead!("CAST(COUNT(DISTINCT a.video) AS BIGINT)", "AND a.video <> b.video");
    count(db, sql, job, now_us).await
}

/// The same jobs counted, with what there is to do.
pub(crate) async fn tally(db: &AnyPool, job: &Job, now_us: i64) -> Result<Vec<Tally>, DbError> {
    let rows = sqlx::query_as::<_, TallyRow>(ahead!(
        "a.class AS class, a.device AS device, a.state AS state, CAST(COUNT(*) AS BIGINT) AS jobs, \
         CAST(SUM(a.work) AS BIGINT) AS work",
        "GROUP BY a.class, a.device, a.state"
    ))
    .bind(job.id.to_string())
    .bind(now_us)
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Tally::try_from).collect()
}

async fn count(db: &AnyPool, sql: &'static str, job: &Job, now_us: i64) -> Result<u64, DbError> {
    let count: i64 =
        sqlx::query_scalar(sql).bind(job.id.to_string()).bind(now_us).fetch_one(db).await?;
    narrow("count", count)
}
