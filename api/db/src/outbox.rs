//! The transactional outbox: events commit with the change they tell of, and are published
//! afterwards, at least once and in order per producer and video.

use kinora_media::{AccountId, TraceContext, VideoId};
use kinora_queue::{Event, EventData};
use sqlx::{AnyConnection, Row};

pub use crate::relay::{Round, relay, relay_once};
use crate::{DbError, new_event_id};

/// Writes an event into the outbox as part of the transaction `connection` is in. After the
/// commit call [`crate::Database::wake_outbox`].
///
/// The version counts this producer's events about the video from 1. `now_us` is moved forward
/// to the aggregate's last event if a clock went backwards, so that time never contradicts it. `trace`
/// is what it follows from.
pub async fn append(
    connection: &mut AnyConnection,
    producer: &str,
    account: &AccountId,
    video: VideoId,
    data: EventData,
    trace: Option<TraceContext>,
    now_us: i64,
) -> Result<Event, DbError> {
    let row = sqlx::query(
        "INSERT INTO event_versions (producer, video, version, occurred_at_us) \
         VALUES ($1, $2, 1, $3) \
         ON CONFLICT (producer, video) DO UPDATE SET version = event_versions.version + 1, \
             occurred_at_us = CASE WHEN event_versions.occurred_at_us > excluded.occurred_at_us \
                 THEN event_versions.occurred_at_us ELSE excluded.occurred_at_us END \
         RETURNING version, occurred_at_us",
    )
    .bind(producer)
    .bind(video.to_string())
    .bind(now_us)
    .fetch_one(&mut *connection)
    .await?;
    let version: i64 = row.try_get("version")?;
    let event = Event {
        id: new_event_id(),
        producer: producer.to_owned(),
        account: account.clone(),
        video,
        aggregate_version: version.unsigned_abs(),
        occurred_at_us: row.try_get("occurred_at_us")?,
        trace,
        data,
    };
    let text = serde_json::to_string(&event).map_err(|e| DbError::stored("event", e))?;
    sqlx::query(
        "INSERT INTO outbox (id, producer, video, aggregate_version, occurred_at_us, event) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(event.id.to_string())
    .bind(producer)
    .bind(video.to_string())
    .bind(version)
    .bind(event.occurred_at_us)
    .bind(text)
    .execute(connection)
    .await?;
    Ok(event)
}
