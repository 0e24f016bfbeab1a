//! Leases: what no sign of life comes from is given away.

use kinora_plan::job::Control;

use super::{
    ending,
    setback::{self, Fate},
    switch,
};
use crate::{
    config::micros,
    error::TranscodingError,
    repository::{Job, backlog},
    service::Transcoding,
    state::{JobState, SwitchReason, retry::Setback},
};

/// Takes back every job whose lease is over; how many.
pub(crate) async fn step_leases(service: &Transcoding) -> Result<usize, TranscodingError> {
    let now_us = service.now_us();
    let mut lost = 0;
    for job in backlog::expired(service.deps.db.read(), now_us).await? {
        let setback = match job.state {
            JobState::Running => Setback::LeaseLost,
            _ if job.sent => Setback::NeverTaken,
            _ => Setback::NeverSent,
        };
        lost += usize::from(take_back(service, &job, setback).await?);
    }
    Ok(lost)
}

/// Declares lost what a process that is no more had in flight; how many jobs. What lay on the
/// durable lane untouched is left there.
pub(crate) async fn recover(service: &Transcoding) -> Result<usize, TranscodingError> {
    let mut lost = 0;
    for job in backlog::leased(service.deps.db.read()).await? {
        match job.state {
            JobState::Running => {
                lost += usize::from(take_back(service, &job, Setback::Restarted).await?);
            }
            _ if job.sent => extend(service, &job).await?,
            _ => lost += usize::from(take_back(service, &job, Setback::NeverSent).await?),
        }
    }
    tracing::info!(jobs.lost = lost, "jobs in flight were taken back");
    Ok(lost)
}

/// The queue gives the message to a worker of this process: count its time from now.
async fn extend(service: &Transcoding, job: &Job) -> Result<(), TranscodingError> {
    let lease_us = micros(service.deps.config.dispatch_lease_ms);
    let mut tx = service.deps.db.begin_write().await?;
    backlog::sent(&mut tx, job, service.now_us().saturating_add(lease_us)).await?;
    Ok(tx.commit().await?)
}

async fn take_back(
    service: &Transcoding,
    job: &Job,
    setback: Setback<'_>,
) -> Result<bool, TranscodingError> {
    let mut tx = service.deps.db.begin_write().await?;
    let fate = setback::apply(service, &mut tx, job, job.lease_until_us, setback).await?;
    tx.commit().await?;
    match fate {
        Fate::Unchanged => return Ok(false),
        Fate::Failed => ending::ended(service, job.video).await,
        Fate::Waits => stop(service, job).await,
        Fate::Switched(because) => {
            stop(service, job).await;
            if let (SwitchReason::Gone, Some(device)) = (because, job.device) {
                switch::leave(service, device).await?;
            }
        }
        Fate::Forgone => {
            stop(service, job).await;
            service.wake.publish.notify_one();
        }
    }
    service.live.lost(job.id);
    service.wake.dispatch.notify_one();
    service.changed(job.video);
    Ok(true)
}

/// Tells a worker that its attempt is fenced, if it lives and listens.
async fn stop(service: &Transcoding, job: &Job) {
    let control = Control::CancelAttempt { job: job.id, attempt: job.attempt };
    if let Err(error) = service.deps.queue.publish_control(&control).await {
        tracing::debug!(job.id = %job.id, %error, "a worker could not be told to stop");
    }
}
