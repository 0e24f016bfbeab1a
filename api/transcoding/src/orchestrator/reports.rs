//! Workers' reports come in. Each is accepted by one conditional update on job, attempt and
//! state; its effect, the wish to publish it and its event commit with that.

use std::sync::Arc;

use kinora_plan::{
    Plan, Warning,
    encoder::{Failure, FailureKind},
    job::{JobClass, JobReport, Report, StoredChunk},
};
use sqlx::AnyConnection;

use super::{ending, extras, planning, plans::plan_of, setback};
use crate::{
    config::micros,
    error::TranscodingError,
    repository::{
        Job, jobs,
        objects::{self, Coding},
        transcodes,
    },
    service::Transcoding,
    state::{
        JobState,
        fit::{Misfit, check_chunk, check_part, page_of},
        retry::Setback,
    },
};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intake {
    /// It took effect.
    Applied,
    /// It came twice, or from an attempt that is not the current one.
    Refused,
    /// One that must come first has not come yet: deliver it again.
    TooEarly,
}

/// Takes a report in. Afterwards its delivery can be finished, unless it was too early.
pub(crate) async fn on_report(
    service: &Transcoding,
    report: &JobReport,
) -> Result<Intake, TranscodingError> {
    let Some(job) = jobs::find(service.deps.db.read(), report.job).await? else {
        return Ok(Intake::Refused);
    };
    // A cheap look before the writer is taken; the conditional updates decide.
    if report.attempt != job.attempt
        || !matches!(job.state, JobState::Dispatched | JobState::Running)
    {
        return Ok(Intake::Refused);
    }
    let intake = match (&report.report, job.class) {
        (Report::Probed(found), JobClass::Probe) => {
            planning::probed(service, &job, report, found).await?
        }
        (Report::Analysed(analysis), JobClass::Analyse) => {
            planning::analysed(service, &job, report, analysis).await?
        }
        (Report::ChunkEncoded { objects, warnings, .. }, JobClass::EncodeChunk) => {
            chunk_encoded(service, &job, report, (objects, warnings)).await?
        }
        (Report::AudioPartEncoded { part, priming, object }, JobClass::EncodeAudio) => {
            part_encoded(service, &job, report, (*part, *priming, object)).await?
        }
        (Report::AudioEncoded { parts, warnings, .. }, JobClass::EncodeAudio) => {
            audio_encoded(service, &job, report, (*parts, warnings)).await?
        }
        (Report::PicturesMade { pictures, warnings }, JobClass::MakePictures) => {
            extras::pictures_made(service, &job, report, (pictures, warnings)).await?
        }
        (Report::TextExtracted { texts, warnings }, JobClass::ExtractText) => {
            extras::text_extracted(service, &job, report, (texts, warnings)).await?
        }
        (Report::Failed(failure), _) => failed(service, &job, failure).await?,
        _ => misfit(service, &job, Misfit("the report is of another class".into())).await?,
    };
    if intake == Intake::Applied {
        service.live.reported(report, &job, service.now_us());
        service.deps.db.wake_outbox();
        service.wake.dispatch.notify_one();
        service.wake.publish.notify_one();
        service.changed(job.video);
    }
    Ok(intake)
}

/// A chunk's objects become the winners.
async fn chunk_encoded(
    service: &Transcoding,
    job: &Job,
    report: &JobReport,
    (stored, warnings): (&[StoredChunk], &[Warning]),
) -> Result<Intake, TranscodingError> {
    let (Some(plan), Some(chunk)) = (plan_of(service, job.video, job.version).await?, job.chunk)
    else {
        return misfit(service, job, Misfit("there is no plan for it".into())).await;
    };
    if let Err(error) = check_chunk(&plan, chunk, report.attempt, stored) {
        return misfit(service, job, error).await;
    }
    let mut tx = service.deps.db.begin_write().await?;
    for object in stored {
        if let Err(error) = check_coding(&mut tx, job, object, 0).await? {
            drop(tx);
            return misfit(service, job, error).await;
        }
    }
    let accepted = (job.id, report.attempt, 0);
    if !jobs::finish(&mut tx, accepted, &report.worker, warnings, service.now_us()).await? {
        return Ok(Intake::Refused);
    }
    let encode = (job.video, job.version);
    for object in stored {
        let page = page(&plan, object);
        objects::insert(&mut tx, encode, (chunk, page), 0, object).await?;
    }
    transcodes::want(&mut tx, job.video, job.version).await?;
    tx.commit().await?;
    Ok(Intake::Applied)
}

/// A part of a soundtrack becomes a winner; the job goes on.
async fn part_encoded(
    service: &Transcoding,
    job: &Job,
    report: &JobReport,
    (part, priming, object): (u32, u32, &StoredChunk),
) -> Result<Intake, TranscodingError> {
    if part != job.parts {
        return Ok(if part < job.parts { Intake::Refused } else { Intake::TooEarly });
    }
    let (Some(plan), Some(track)) = (plan_of(service, job.video, job.version).await?, &job.track)
    else {
        return misfit(service, job, Misfit("there is no plan for it".into())).await;
    };
    let encode = (job.video, job.version);
    let mut tx = service.deps.db.begin_write().await?;
    let end = objects::ends(&mut *tx, encode).await?.get(track).copied().unwrap_or(0);
    let mut fits = check_part(track, part, report.attempt, object, end);
    if fits.is_ok() {
        fits = check_coding(&mut tx, job, object, priming).await?;
    }
    let now_us = service.now_us();
    let lease_until_us = now_us.saturating_add(micros(service.deps.config.lease_ms));
    let accepted = (job.id, report.attempt, part);
    if !jobs::accept_part(&mut tx, accepted, &report.worker, now_us, lease_until_us).await? {
        // Somebody took the same part in since the job was read: its end no longer fits either.
        return Ok(Intake::Refused);
    }
    if let Err(error) = fits {
        drop(tx);
        return misfit(service, job, error).await;
    }
    let page = page(&plan, object);
    objects::insert(&mut tx, encode, (part, page), priming, object).await?;
    transcodes::want(&mut tx, job.video, job.version).await?;
    tx.commit().await?;
    Ok(Intake::Applied)
}

/// A soundtrack is whole, if all its parts are in.
async fn audio_encoded(
    service: &Transcoding,
    job: &Job,
    report: &JobReport,
    (parts, warnings): (u32, &[Warning]),
) -> Result<Intake, TranscodingError> {
    if parts > job.parts {
        return Ok(Intake::TooEarly);
    }
    if parts < job.parts || parts == 0 {
        let error = Misfit(format!("{parts} parts were reported after {} came", job.parts));
        return misfit(service, job, error).await;
    }
    let mut tx = service.deps.db.begin_write().await?;
    let accepted = (job.id, report.attempt, parts);
    if !jobs::finish(&mut tx, accepted, &report.worker, warnings, service.now_us()).await? {
        return Ok(Intake::Refused);
    }
    transcodes::want(&mut tx, job.video, job.version).await?;
    tx.commit().await?;
    Ok(Intake::Applied)
}

pub(super) async fn failed(
    service: &Transcoding,
    job: &Job,
    failure: &Failure,
) -> Result<Intake, TranscodingError> {
    let mut tx = service.deps.db.begin_write().await?;
    let setback = Setback::Reported(failure);
    let fate = setback::apply(service, &mut tx, job, None, setback).await?;
    tx.commit().await?;
    if fate == setback::Fate::Failed {
        ending::ended(service, job.video).await;
    }
    Ok(if fate == setback::Fate::Unchanged { Intake::Refused } else { Intake::Applied })
}

/// The worker answered something that does not fit the plan: its fault or ours, not the file's.
pub(super) async fn misfit(
    service: &Transcoding,
    job: &Job,
    Misfit(what): Misfit,
) -> Result<Intake, TranscodingError> {
    tracing::error!(job.id = %job.id, video.id = %job.video, what, "a result does not fit");
    let message = format!("The encoder's result does not fit the plan: {what}.");
    let failure = Failure { kind: FailureKind::Internal, code: "bad_result".into(), message };
    failed(service, job, &failure).await
}

/// All objects of a track are coded alike: players read that once.
async fn check_coding(
    tx: &mut AnyConnection,
    job: &Job,
    object: &StoredChunk,
    priming: u32,
) -> Result<Result<(), Misfit>, TranscodingError> {
    let new = Coding { codec: object.codec.clone(), priming };
    let known = objects::coding(tx, (job.video, job.version), &object.track).await?;
    Ok(match known {
        Some(known) if known != new => {
            Err(Misfit(format!("{} is coded as {new:?}, before as {known:?}", object.track)))
        }
        _ => Ok(()),
    })
}

fn page(plan: &Arc<Plan>, object: &StoredChunk) -> u32 {
    let templates = plan.track_templates();
    let timescale = templates.iter().find(|track| track.id == object.track).map(|t| t.timescale);
    page_of(object.start, timescale.unwrap_or(1))
}
