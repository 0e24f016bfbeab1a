//! The loops that take the steps.

use std::{future::pending, sync::Arc, time::Duration};

use kinora_db::{inbox, retrying};
use kinora_queue::{Event, EventDelivery, ReportDelivery};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use super::{CATALOGUE, PRODUCER, dispatch, events, leases, progress, reports};
use crate::{error::TranscodingError, housekeeping, publisher, service::Transcoding};

/// After a step that could not be taken.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a report that came too early is held before it is delivered again.
const EARLY: Duration = Duration::from_millis(200);

/// A step that a timer or a wake-up makes due.
#[derive(Debug, Clone, Copy)]
enum Step {
    Dispatch,
    Leases,
    Renew,
    Publish,
    Chores,
}

impl Step {
    const ALL: [Self; 5] = [Self::Dispatch, Self::Leases, Self::Renew, Self::Publish, Self::Chores];

    /// Takes the step; how much it found to do.
    async fn take(self, service: &Transcoding) -> Result<usize, TranscodingError> {
        match self {
            Self::Dispatch => dispatch::step_dispatch(service).await,
            Self::Leases => leases::step_leases(service).await,
            Self::Renew => progress::step_renew(service).await,
            Self::Publish => publisher::step_publish(service).await,
            Self::Chores => housekeeping::step_chores(service).await,
        }
    }

    fn period(self) -> Duration {
        Duration::from_millis(match self {
            Self::Dispatch | Self::Leases | Self::Publish => 1000,
            Self::Renew => 500,
            Self::Chores => 5000,
        })
    }

    async fn woken(self, service: &Transcoding) {
        match self {
            Self::Dispatch => service.wake.dispatch.notified().await,
            Self::Publish => service.wake.publish.notified().await,
            Self::Chores => service.wake.chores.notified().await,
            Self::Leases | Self::Renew => pending().await,
        }
    }
}

/// Takes steps until `shutdown`; then finishes those begun.
pub(crate) async fn run(
    service: Arc<Transcoding>,
    shutdown: CancellationToken,
) -> Result<(), TranscodingError> {
    service.deps.bus.declare_group(PRODUCER).await?;
    let tasks = TaskTracker::new();
    tasks.spawn(take_events(service.clone(), shutdown.clone()));
    tasks.spawn(take_reports(service.clone(), shutdown.clone()));
    tasks.spawn(take_progress(service.clone(), shutdown.clone()));
    let (db, clock) = (service.deps.db.clone(), service.deps.clock.clone());
    tasks.spawn(inbox::keep_asking(db, clock, PRODUCER, CATALOGUE, shutdown.clone()));
    for step in Step::ALL {
        tasks.spawn(repeat(service.clone(), step, shutdown.clone()));
    }
    tasks.close();
    shutdown.cancelled().await;
    service.stopping.cancel();
    tasks.wait().await;
    Ok(())
}

async fn repeat(service: Arc<Transcoding>, step: Step, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let found = retrying(|| step.take(&service)).await;
        // What found something to do is done again at once: there may be more.
        if matches!(found, Ok(1..)) {
            continue;
        }
        if let Err(error) = found {
            tracing::warn!(?step, %error, "a step could not be taken; trying again");
            pause(PAUSE, &shutdown).await;
            continue;
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = step.woken(&service) => {}
            () = tokio::time::sleep(step.period()) => {}
        }
    }
}

async fn take_events(service: Arc<Transcoding>, shutdown: CancellationToken) {
    let bus = &service.deps.bus;
    loop {
        let delivery = tokio::select! {
            () = shutdown.cancelled() => return,
            delivery = bus.receive(PRODUCER) => delivery,
        };
        let result = match delivery {
            Ok(EventDelivery { event, receipt }) => match take_event(&service, &event).await {
                Ok(()) => bus.finish(receipt).await.map_err(TranscodingError::from),
                Err(error) => {
                    pause(PAUSE, &shutdown).await;
                    bus.release(receipt).await.map_err(TranscodingError::from).and(Err(error))
                }
            },
            Err(error) => {
                pause(PAUSE, &shutdown).await;
                Err(error.into())
            }
        };
        if let Err(error) = result {
            tracing::warn!(%error, "an event could not be taken in; it will come again");
        }
    }
}

async fn take_event(service: &Transcoding, event: &Event) -> Result<(), TranscodingError> {
    retrying(|| events::on_event(service, event.clone())).await
}

async fn take_reports(service: Arc<Transcoding>, shutdown: CancellationToken) {
    loop {
        let delivery = tokio::select! {
            () = shutdown.cancelled() => return,
            delivery = service.deps.queue.receive_report() => delivery,
        };
        let result = match delivery {
            Ok(delivery) => take_report(&service, delivery, &shutdown).await,
            Err(error) => {
                pause(PAUSE, &shutdown).await;
                Err(error.into())
            }
        };
        if let Err(error) = result {
            tracing::warn!(%error, "a report could not be taken in; it will come again");
        }
    }
}

async fn take_report(
    service: &Arc<Transcoding>,
    ReportDelivery { report, receipt }: ReportDelivery,
    shutdown: &CancellationToken,
) -> Result<(), TranscodingError> {
    let queue = &service.deps.queue;
    let span = tracing::info_span!(
        "report",
        job.id = %report.job,
        job.attempt = report.attempt,
        worker.name = report.worker,
        trace_id = report.trace.map(|trace| trace.trace_id()),
    );
    let taken = async {
        let taken = retrying(|| reports::on_report(service, &report)).await;
        tracing::debug!(intake = ?taken.as_ref().ok(), "a report came");
        taken
    };
    match taken.instrument(span).await {
        Ok(reports::Intake::TooEarly) => {
            // Aside, so that the report it waits for gets through.
            let queue = queue.clone();
            tokio::spawn(async move {
                tokio::time::sleep(EARLY).await;
                if let Err(error) = queue.release_report(receipt).await {
                    tracing::warn!(%error, "an early report could not be handed back");
                }
            });
            Ok(())
        }
        Ok(_) => Ok(queue.finish_report(receipt).await?),
        Err(error) => {
            pause(PAUSE, shutdown).await;
            queue.release_report(receipt).await?;
            Err(error)
        }
    }
}

async fn take_progress(service: Arc<Transcoding>, shutdown: CancellationToken) {
    let mut progress = service.deps.queue.subscribe_progress();
    loop {
        let heard = tokio::select! {
            () = shutdown.cancelled() => return,
            heard = progress.recv() => heard,
        };
        match heard {
            Ok(heard) => progress::on_progress(&service, heard),
            // Older signs of life were overwritten by newer ones: none is missed.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn pause(length: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(length) => {}
    }
}
