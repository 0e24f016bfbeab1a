//! From the backlog to the dispatch lane.

use kinora_db::retrying;
use kinora_plan::{
    encoder::{Failure, FailureKind},
    job::{JobClass, JobMessage},
};

use super::{backlog::message, ending, plans::plan_of, setback};
use crate::{
    config::micros,
    error::TranscodingError,
    repository::{Job, backlog, drafts, jobs, transcodes},
    service::Transcoding,
    state::{
        fair_share::{self, Room},
        retry::Setback,
    },
};

/// Fills the lane up; how many jobs went out.
///
/// A job is claimed, committed, then sent: a crash in between leaves a claim whose lease runs
/// out. The lane is kept short so that what became urgent does not stand behind what was not.
pub(crate) async fn step_dispatch(service: &Transcoding) -> Result<usize, TranscodingError> {
    let claimed = claim(service).await?;
    let mut sent = Vec::new();
    for job in claimed {
        let Some(message) = message_for(service, &job).await? else {
            unsendable(service, &job).await?;
            continue;
        };
        match service.deps.queue.dispatch(&message).await {
            Ok(()) => sent.push(job),
            // Whether it went out is unknown: the attempt is fenced, the next one is sent.
            Err(error) => {
                tracing::warn!(job.id = %job.id, %error, "a job could not be dispatched; trying again");
                retrying(|| unclaim(service, &job)).await?;
            }
        }
    }
    // Not the whole step again: what went out would be taken for lost.
    retrying(|| confirm(service, &sent)).await?;
    Ok(sent.len())
}

async fn claim(service: &Transcoding) -> Result<Vec<Job>, TranscodingError> {
    let (db, config) = (&service.deps.db, &service.deps.config);
    let now_us = service.now_us();
    let in_flight = backlog::in_flight(db.read()).await?;
    let room = u64::from(config.max_in_flight).saturating_sub(in_flight.values().sum());
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room == 0 {
        return Ok(Vec::new());
    }
    let interactive = backlog::due(db.read(), false, now_us, room).await?;
    let mut bulk = backlog::due(db.read(), true, now_us, room).await?;
    let patience_us = micros(config.bulk_patience_ms);
    let overdue = backlog::overdue(db.read(), now_us.saturating_sub(patience_us), now_us).await?;
    if let Some(job) = &overdue {
        // It is among the others, too.
        bulk.values_mut().for_each(|jobs| jobs.retain(|other| other.id != job.id));
    }
    let overdue = overdue.map(|job| (job.account.clone(), job));
    let room = Room { jobs: room, of_account: config.quota_jobs.map(u64::from) };
    let picked = fair_share::pick(room, in_flight, interactive, bulk, overdue);
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let lease_until_us = now_us.saturating_add(micros(config.claim_lease_ms));
    let mut claimed = Vec::new();
    let mut tx = db.begin_write().await?;
    for job in picked {
        claimed.extend(
            backlog::claim(&mut tx, &job, config.quota_jobs, now_us, lease_until_us).await?,
        );
    }
    tx.commit().await?;
    Ok(claimed)
}

async fn message_for(
    service: &Transcoding,
    job: &Job,
) -> Result<Option<JobMessage>, TranscodingError> {
    let db = service.deps.db.read();
    let Some(transcode) = transcodes::find(db, job.video, job.version).await? else {
        return Ok(None);
    };
    let config = &service.deps.config;
    if job.class == JobClass::Analyse {
        let draft = drafts::find(db, job.video, job.version).await?;
        return Ok(message(config, &transcode, draft.as_ref(), job));
    }
    let plan = plan_of(service, job.video, job.version).await?;
    Ok(message(config, &transcode, plan.as_deref(), job))
}

/// A job that no message can be made for must not wait for ever.
async fn unsendable(service: &Transcoding, job: &Job) -> Result<(), TranscodingError> {
    let failure = Failure {
        kind: FailureKind::Internal,
        code: "no_such_job".into(),
        message: "The plan has no such job.".into(),
    };
    let mut tx = service.deps.db.begin_write().await?;
    let fate = setback::apply(service, &mut tx, job, None, Setback::Reported(&failure)).await?;
    tx.commit().await?;
    if fate == setback::Fate::Failed {
        ending::ended(service, job.video).await;
    }
    Ok(())
}

async fn unclaim(service: &Transcoding, job: &Job) -> Result<(), TranscodingError> {
    let not_before_us = service.now_us().saturating_add(micros(service.deps.config.retry_ms));
    let current = (job.id, job.attempt, None);
    let mut tx = service.deps.db.begin_write().await?;
    jobs::put_back(&mut tx, current, job.tries, None, not_before_us).await?;
    Ok(tx.commit().await?)
}

async fn confirm(service: &Transcoding, sent: &[Job]) -> Result<(), TranscodingError> {
    let Some(first) = sent.first() else { return Ok(()) };
    let lease_us = micros(service.deps.config.dispatch_lease_ms);
    let lease_until_us = service.now_us().saturating_add(lease_us);
    let mut tx = service.deps.db.begin_write().await?;
    for job in sent {
        backlog::sent(&mut tx, job, lease_until_us).await?;
    }
    tx.commit().await?;
    service.changed(first.video);
    Ok(())
}
