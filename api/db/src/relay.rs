//! Publishes what the outbox holds.

use std::{collections::HashSet, sync::Arc, time::Duration};

use kinora_queue::{Event, EventBus};
use sqlx::Row;
use tokio_util::sync::CancellationToken;

use crate::{Clock, Database, DbError, retrying};

/// Rows a round. Rounds follow each other at once while there is more.
const BATCH: i64 = 100;
/// How soon rows are found whose writer could not wake the relay.
const POLL: Duration = Duration::from_secs(1);
/// The pause after a bus or database that did not answer.
const PAUSE: Duration = Duration::from_millis(500);
/// Published rows are kept this long, for people who ask what happened.
const KEEP_US: i64 = 24 * 3600 * 1_000_000;
/// How often old rows are removed.
const PRUNE_EVERY_US: i64 = 600 * 1_000_000;

/// Publishes until `shutdown`: whatever this database's services appended, in order per
/// producer and video. Several relays on one database are harmless: consumers ignore what they
/// have seen.
pub async fn relay(
    db: Database,
    bus: Arc<dyn EventBus>,
    clock: Clock,
    shutdown: CancellationToken,
) {
    let mut pruned_at_us = i64::MIN;
    loop {
        let woken = db.outbox_woken();
        let wait = match relay_once(&db, bus.as_ref(), &clock).await {
            Ok(Round { more: true, .. }) => Duration::ZERO,
            Ok(Round { refused: true, .. }) => PAUSE,
            Ok(_) => POLL,
            Err(error) => {
                tracing::warn!(%error, "the outbox could not be read; trying again");
                PAUSE
            }
        };
        let now_us = clock.now_us();
        if now_us.saturating_sub(pruned_at_us) > PRUNE_EVERY_US {
            pruned_at_us = now_us;
            if let Err(error) = retrying(|| prune(&db, now_us - KEEP_US)).await {
                tracing::warn!(%error, "old outbox rows could not be removed");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            // After a refusal a wake-up must not turn the pause into a busy loop.
            () = woken, if wait == POLL => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// What one round of the relay met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// How many events were published.
    pub published: usize,
    /// Whether the bus refused some.
    pub refused: bool,
    /// Whether the batch was full, so that there is probably more.
    pub more: bool,
}

/// One round: at most a batch of unpublished events. When the bus refuses one, the later ones
/// about the same video wait for it.
pub async fn relay_once(
    db: &Database,
    bus: &dyn EventBus,
    clock: &Clock,
) -> Result<Round, DbError> {
    let rows = sqlx::query(
        "SELECT id, event FROM outbox WHERE published_at_us IS NULL \
         ORDER BY occurred_at_us, aggregate_version LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(db.read())
    .await?;
    let full = rows.len() as i64 == BATCH;
    let mut stuck = HashSet::new();
    let mut published = Vec::new();
    for row in &rows {
        let id: String = row.try_get("id")?;
        let text: String = row.try_get("event")?;
        let event: Event = serde_json::from_str(&text).map_err(|e| DbError::stored("event", e))?;
        if stuck.contains(&(event.producer.clone(), event.video)) {
            continue;
        }
        if let Err(error) = bus.publish(&event).await {
            tracing::warn!(event.id = %event.id, video.id = %event.video, %error, "an event could not be published; trying again");
            stuck.insert((event.producer, event.video));
        } else {
            published.push(id);
        }
    }
    if !published.is_empty() {
        let now_us = clock.now_us();
        retrying(|| mark(db, &published, now_us)).await?;
    }
    let refused = !stuck.is_empty();
    Ok(Round { published: published.len(), refused, more: full && !refused })
}

async fn mark(db: &Database, ids: &[String], now_us: i64) -> Result<(), DbError> {
    let mut tx = db.begin_write().await?;
    for id in ids {
        sqlx::query("UPDATE outbox SET published_at_us = $1 WHERE id = $2")
            .bind(now_us)
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    Ok(tx.commit().await?)
}

async fn prune(db: &Database, before_us: i64) -> Result<(), DbError> {
    let mut tx = db.begin_write().await?;
    sqlx::query("DELETE FROM outbox WHERE published_at_us IS NOT NULL AND published_at_us < $1")
        .bind(before_us)
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}
