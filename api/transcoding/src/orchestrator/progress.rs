//! Signs of life come in: lossy, kept in memory, written in batches.

use kinora_plan::job::{Control, JobProgress};

use crate::{
    config::micros,
    error::TranscodingError,
    repository::backlog::{self, SignOfLife},
    service::Transcoding,
};

/// Notes a sign of life; the next [`step_renew`] writes it down.
pub(crate) fn on_progress(service: &Transcoding, progress: JobProgress) {
    let sign = SignOfLife {
        job: progress.job,
        attempt: progress.attempt,
        worker: progress.worker,
        done: progress.done,
        total: progress.total,
    };
    if let Some(video) = service.live.heard(sign, service.now_us()) {
        service.changed(video);
    }
}

/// Renews the leases of what was heard of; how many. A worker on a fenced attempt is told.
pub(crate) async fn step_renew(service: &Transcoding) -> Result<usize, TranscodingError> {
    let config = &service.deps.config;
    let now_us = service.now_us();
    let signs = service.live.due(now_us, micros(config.renew_ms));
    if signs.is_empty() {
        return Ok(0);
    }
    let lease_until_us = now_us.saturating_add(micros(config.lease_ms));
    let (mut renewed, mut fenced) = (Vec::new(), Vec::new());
    let mut tx = service.deps.db.begin_write().await?;
    for sign in signs {
        match backlog::renew(&mut tx, &sign, now_us, lease_until_us).await? {
            Some(of) => renewed.push((sign, of)),
            None => fenced.push(sign),
        }
    }
    tx.commit().await?;
    for (sign, of) in &renewed {
        service.live.renewed(sign, *of, now_us);
        service.changed(of.0);
    }
    for SignOfLife { job, attempt, .. } in fenced {
        service.live.forget(job, attempt);
        tracing::debug!(job.id = %job, job.attempt = attempt, "a fenced attempt gave a sign of life");
        service.deps.queue.publish_control(&Control::CancelAttempt { job, attempt }).await?;
    }
    Ok(renewed.len())
}
