//! Keeps the read side up to date with what transcoding says.

mod apply;

use std::time::Duration;

use kinora_db::{inbox, retrying};
use kinora_queue::{Event, EventDelivery, QueueError};
use tokio_util::sync::CancellationToken;

use crate::{core::Core, error::Error};

/// The event group of the catalogue's query side.
pub const GROUP: &str = "catalogue-query";

/// The service whose events are applied.
const TRANSCODING: &str = "transcoding";

/// The pause after a bus or database that did not answer.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) async fn run(core: &Core, shutdown: &CancellationToken) {
    loop {
        let delivery = tokio::select! {
            () = shutdown.cancelled() => return,
            delivery = core.bus.receive(GROUP) => delivery,
        };
        let result = match delivery {
            Ok(delivery) => handle(core, delivery).await,
            Err(QueueError::Closed) => return,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = result {
            tracing::warn!(%error, "an event could not be taken in; trying again");
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

/// Asks again for events that never came.
pub(crate) async fn keep_asking(core: &Core, shutdown: &CancellationToken) {
    let (db, clock) = (core.db.clone(), core.clock.clone());
    inbox::keep_asking(db, clock, GROUP, TRANSCODING, shutdown.clone()).await;
}

async fn handle(core: &Core, delivery: EventDelivery) -> Result<(), Error> {
    let EventDelivery { event, receipt } = delivery;
    if let Err(error) = take_in(core, event).await {
        core.bus.release(receipt).await?;
        return Err(error);
    }
    Ok(core.bus.finish(receipt).await?)
}

/// Applies an event, and those that waited for it, in one transaction with the inbox.
pub(crate) async fn take_in(core: &Core, event: Event) -> Result<(), Error> {
    if event.producer != TRANSCODING {
        return Ok(());
    }
    retrying(|| apply_due(core, event.clone())).await
}

async fn apply_due(core: &Core, event: Event) -> Result<(), Error> {
    let mut tx = core.db.begin_write().await?;
    for due in inbox::accept(&mut tx, GROUP, event).await? {
        apply::apply(&mut tx, &due, core.clock.now_us()).await?;
    }
    Ok(tx.commit().await?)
}
