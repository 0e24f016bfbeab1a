//! What a stored head makes true, noted and announced in one transaction.

use kinora_plan::Warning;
use kinora_queue::EventData;
use sqlx::AnyConnection;

use super::project::Projection;
use crate::{
    config::micros,
    error::TranscodingError,
    orchestrator::{events::announce, planning::sentences, plans::plan_of, switch},
    repository::{
        Transcode, statistics,
        transcodes::{self, Published, Ready},
    },
    service::Transcoding,
    state::{VideoState, front::Front},
};

/// Notes that there is not enough to show yet.
pub(crate) async fn nothing_yet(
    service: &Transcoding,
    read: &Transcode,
) -> Result<bool, TranscodingError> {
    note(service, read, None).await
}

/// Notes what the stored head shows.
pub(crate) async fn stored(
    service: &Transcoding,
    read: &Transcode,
    projection: &Projection,
) -> Result<bool, TranscodingError> {
    note(service, read, Some(projection)).await
}

/// `read` is the row as it was before the projection was made: what was wanted then is published
/// now, whatever was added since.
async fn note(
    service: &Transcoding,
    read: &Transcode,
    projection: Option<&Projection>,
) -> Result<bool, TranscodingError> {
    let mut tx = service.deps.db.begin_write().await?;
    let Some(row) = transcodes::find(&mut *tx, read.video, read.version).await? else {
        return Ok(false);
    };
    if row.state != VideoState::Encoding || row.published >= read.wanted {
        return Ok(false);
    }
    let change = match projection {
        Some(projection) => change(service, &row, read.wanted, projection),
        None => Published {
            published: read.wanted,
            front_us: row.front_us,
            front_speed: row.front_speed,
            ..Published::default()
        },
    };
    if !transcodes::published(&mut tx, &row, &change).await? {
        return Ok(false);
    }
    let pictures = projection.is_some_and(|projection| projection.pictures.is_some());
    announce_all(service, &mut tx, &row, &change, pictures).await?;
    tx.commit().await?;
    service.deps.db.wake_outbox();
    service.changed(row.video);
    if change.ready.is_some() {
        tracing::info!(video.id = %row.video, version = row.version, "a video is ready");
    }
    Ok(true)
}

fn change(
    service: &Transcoding,
    row: &Transcode,
    wanted: i64,
    projection: &Projection,
) -> Published {
    let (now_us, config) = (service.now_us(), &service.deps.config);
    let began_at_us = row.planned_at_us.unwrap_or(row.created_at_us);
    let before = Front {
        published_us: row.front_us,
        moved_at_us: row.front_at_us.unwrap_or(began_at_us),
        speed: row.front_speed,
    };
    let moved = projection.front_us > before.published_us;
    let front = if moved { before.moved(projection.front_us, now_us) } else { before };
    let margin_us = config.plays_through_margin_ms.saturating_mul(1000);
    let plays_through = projection.complete
        || front.plays_through(projection.duration_us, margin_us, began_at_us, now_us);
    Published {
        // Once every job is over nothing more is wanted than what was read after that: a result that
        // came between the row and the projection is published with it.
        published: if projection.settled { row.wanted } else { wanted },
        front_us: front.published_us,
        front_at_us: moved.then_some(now_us),
        front_speed: front.speed,
        playable_at_us: Some(now_us),
        plays_through_at_us: plays_through.then_some(now_us),
        ready: projection.settled.then(|| Ready {
            at_us: now_us,
            duration_us: projection.duration_us,
            sweep_at_us: now_us.saturating_add(micros(config.sweep_ms)),
        }),
    }
}

/// Announces what became true with this change, in the order it does for viewers.
async fn announce_all(
    service: &Transcoding,
    tx: &mut AnyConnection,
    row: &Transcode,
    change: &Published,
    pictures: bool,
) -> Result<(), TranscodingError> {
    let (version, now_us) = (row.version, service.now_us());
    if row.playable_at_us.is_none() && change.playable_at_us.is_some() {
        announce(tx, row, EventData::Playable { version, pictures }, now_us).await?;
    }
    if row.plays_through_at_us.is_none() && change.plays_through_at_us.is_some() {
        announce(tx, row, EventData::PlaysThrough { version, pictures }, now_us).await?;
    }
    if let Some(Ready { duration_us, .. }) = change.ready {
        let lost = statistics::warnings(&mut *tx, (row.video, version)).await?;
        let plan = plan_of(service, row.video, version).await?;
        let planned = plan.iter().flat_map(|plan| &plan.warnings);
        let switched = plan.iter().filter_map(|plan| switch::warning(plan, row));
        let switched: Vec<Warning> = switched.collect();
        let warnings = sentences(lost.iter().chain(planned).chain(&switched));
        announce(tx, row, EventData::Ready { version, duration_us, warnings, pictures }, now_us)
            .await?;
    }
    Ok(())
}
