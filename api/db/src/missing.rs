//! Events that were published and never came: lost with a broker's disk, or set aside by a consumer
//! that could not read them. The producer's table still has them, and publishes them again.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{Clock, Database, DbError, retrying};

/// How often a consumer looks for what it misses.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long an event may be on its way. Afterwards pauses double, since each time it is published
/// again its age has: what nobody can read is sent a dozen times, not for ever.
const ON_ITS_WAY_US: i64 = 30 * 1_000_000;

/// Events a look: one that is merely far behind is not buried under copies.
const MOST: i64 = 100;

/// Asks `producer` again for what `consumer` misses, until `shutdown`.
pub async fn keep_asking(
    db: Database,
    clock: Clock,
    consumer: &'static str,
    producer: &'static str,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        match retrying(|| ask_again(&db, consumer, producer, clock.now_us())).await {
            Ok(0) => {}
            Ok(events) => {
                tracing::warn!(
                    consumer,
                    producer,
                    events,
                    "events never came; they are published again"
                );
            }
            Err(error) => tracing::warn!(%error, "it could not be seen whether events are missing"),
        }
    }
}

/// Marks events of `producer` as unpublished that `consumer` has not taken in though they have been
/// out for long enough, the oldest first; how many. As far back as the producer keeps them.
///
/// # Errors
/// The database does not answer.
pub async fn ask_again(
    db: &Database,
    consumer: &str,
    producer: &str,
    now_us: i64,
) -> Result<usize, DbError> {
    // Read apart: a transaction that looks at so much would contradict everybody's.
    let missing: Vec<String> = sqlx::query_scalar(MISSING)
        .bind(producer)
        .bind(now_us - ON_ITS_WAY_US)
        .bind(now_us)
        .bind(consumer)
        .bind(MOST)
        .fetch_all(db.read())
        .await?;
    if missing.is_empty() {
        return Ok(0);
    }
    let mut tx = db.begin_write().await?;
    for id in &missing {
        sqlx::query("UPDATE outbox SET published_at_us = NULL WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    db.wake_outbox();
    Ok(missing.len())
}

const MISSING: &str = "SELECT o.id FROM outbox o \
    WHERE o.producer = $1 AND o.published_at_us < $2 \
      AND o.published_at_us - o.occurred_at_us < $3 - o.published_at_us \
      AND o.aggregate_version > COALESCE((SELECT i.version FROM inbox i \
          WHERE i.consumer = $4 AND i.producer = o.producer AND i.video = o.video), 0) \
      AND NOT EXISTS (SELECT 1 FROM inbox_deferred d \
          WHERE d.consumer = $4 AND d.producer = o.producer AND d.video = o.video \
            AND d.aggregate_version = o.aggregate_version) \
    ORDER BY o.occurred_at_us LIMIT $5";
