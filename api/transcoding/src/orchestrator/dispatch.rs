//! From the backlog to the dispatch lane.

use std::collections::BTreeSet;

use kinora_db::retrying;
use kinora_plan::{
    device::EncoderFamily,
    encoder::{Failure, FailureKind},
    job::{JobClass, JobMessage},
};

use super::{backlog::message, ending, plans::plan_of, setback};
use crate::{
    config::{TranscodingConfig, micros},
    error::TranscodingError,
    repository::{
        Job,
        backlog::{self, InFlight, OnLane},
        drafts, jobs, transcodes,
    },
    service::Transcoding,
    state::{
        fair_share::{self, Due, Room, Waiting},
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

/// Jobs for a graphics processor that may lie on its lane before it is seen how many its workers do
/// at once.
const FIRST_ON_DEVICE: u64 = 4;

/// How many jobs may go out besides what is in flight.
///
/// Of a device's workers it is not known how many there are, or whether there are any: on its lane
/// lie as many jobs as they are at, and these take no room from those that others can do.
pub(crate) fn room(config: &TranscodingConfig, in_flight: &InFlight) -> Room {
    let most = u64::from(config.max_in_flight);
    let of = |device| in_flight.by_device.get(&device).copied().unwrap_or_default();
    let left =
        |most: u64, taken: u64| usize::try_from(most.saturating_sub(taken)).unwrap_or(usize::MAX);
    let running: u64 = in_flight.by_device.values().map(|lane| lane.running).sum();
    let on_device = |family| {
        let OnLane { dispatched, running } = of(Some(family));
        let wanted = running.max(FIRST_ON_DEVICE).min(most.saturating_sub(running));
        (family, left(wanted, dispatched))
    };
    Room {
        jobs: left(most, of(None).dispatched.saturating_add(running)),
        on_devices: EncoderFamily::DEVICES.into_iter().map(on_device).collect(),
        of_account: config.quota_jobs.map(u64::from),
    }
}

async fn claim(service: &Transcoding) -> Result<Vec<Job>, TranscodingError> {
    let (db, config) = (&service.deps.db, &service.deps.config);
    let now_us = service.now_us();
    let in_flight = backlog::in_flight(db.read()).await?;
    let room = room(config, &in_flight);
    let waiting = waiting(service, &room, now_us).await?;
    let picked = fair_share::pick(room, in_flight.by_account, waiting, |job| job.device);
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

/// What is due and may find room.
async fn waiting(
    service: &Transcoding,
    room: &Room,
    now_us: i64,
) -> Result<Waiting<Job>, TranscodingError> {
    let db = service.deps.db.read();
    let (mut interactive, mut bulk) = (Due::<Job>::new(), Due::<Job>::new());
    let mut patient = BTreeSet::new();
    for queue in backlog::queues(db, room.jobs > 0).await? {
        let limit = room.on(queue.device);
        if limit == 0 {
            continue;
        }
        let jobs = backlog::due(db, &queue, now_us, limit).await?;
        let due = if queue.bulk { &mut bulk } else { &mut interactive };
        due.entry(queue.account).or_default().extend(jobs);
        patient.extend(queue.bulk.then_some(queue.device));
    }
    for jobs in interactive.values_mut().chain(bulk.values_mut()) {
        let order = |job: &Job| (job.urgency, job.queued_at_us, job.position_us, job.id.0);
        jobs.make_contiguous().sort_by_key(order);
    }
    let since_us = now_us.saturating_sub(micros(service.deps.config.bulk_patience_ms));
    let mut overdue = Vec::new();
    for device in patient {
        let Some(job) = backlog::overdue(db, device, since_us, now_us).await? else { continue };
        // It is among the others, too.
        bulk.values_mut().for_each(|jobs| jobs.retain(|other| other.id != job.id));
        overdue.push((job.account.clone(), job));
    }
    Ok(Waiting { overdue, interactive, bulk })
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
