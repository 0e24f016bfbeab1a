//! The consumer's half of the outbox: every event takes effect once, in order.

use kinora_queue::Event;
use sqlx::{AnyConnection, Row};

use crate::DbError;
pub use crate::missing::{ask_again, keep_asking};

/// Takes `event` in for `consumer`, inside the transaction that will hold its effect, and
/// returns the events that are due now, in order: none if it was seen before or if one of lower
/// version is still to come (then it is kept), else it and those that had waited for it.
///
/// After the commit the delivery can be finished, whatever came back.
pub async fn accept(
    connection: &mut AnyConnection,
    consumer: &str,
    event: Event,
) -> Result<Vec<Event>, DbError> {
    let video = event.video.to_string();
    let producer = event.producer.clone();
    let version =
        i64::try_from(event.aggregate_version).map_err(|e| DbError::stored("event version", e))?;
    let seen: Option<i64> = sqlx::query_scalar(
        "SELECT version FROM inbox WHERE consumer = $1 AND producer = $2 AND video = $3",
    )
    .bind(consumer)
    .bind(&producer)
    .bind(&video)
    .fetch_optional(&mut *connection)
    .await?;
    let seen = seen.unwrap_or(0);
    if version <= seen {
        return Ok(Vec::new());
    }
    if version > seen + 1 {
        defer(connection, consumer, &event, version).await?;
        return Ok(Vec::new());
    }
    let mut due = vec![event];
    let mut last = version;
    while let Some(next) = take_deferred(connection, consumer, &producer, &video, last + 1).await? {
        due.push(next);
        last += 1;
    }
    sqlx::query(
        "INSERT INTO inbox (consumer, producer, video, version) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (consumer, producer, video) DO UPDATE SET version = excluded.version",
    )
    .bind(consumer)
    .bind(&producer)
    .bind(&video)
    .bind(last)
    .execute(connection)
    .await?;
    Ok(due)
}

async fn defer(
    connection: &mut AnyConnection,
    consumer: &str,
    event: &Event,
    version: i64,
) -> Result<(), DbError> {
    let text = serde_json::to_string(event).map_err(|e| DbError::stored("event", e))?;
    sqlx::query(
        "INSERT INTO inbox_deferred (consumer, producer, video, aggregate_version, event) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(consumer)
    .bind(&event.producer)
    .bind(event.video.to_string())
    .bind(version)
    .bind(text)
    .execute(connection)
    .await?;
    Ok(())
}

async fn take_deferred(
    connection: &mut AnyConnection,
    consumer: &str,
    producer: &str,
    video: &str,
    version: i64,
) -> Result<Option<Event>, DbError> {
    let row = sqlx::query(
        "DELETE FROM inbox_deferred WHERE consumer = $1 AND producer = $2 AND video = $3 \
             AND aggregate_version = $4 RETURNING event",
    )
    .bind(consumer)
    .bind(producer)
    .bind(video)
    .bind(version)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let text: String = row.try_get("event")?;
    serde_json::from_str(&text).map(Some).map_err(|e| DbError::stored("event", e))
}
