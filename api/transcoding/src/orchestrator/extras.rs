//! Reports of jobs a video can be without: pictures, and subtitles embedded in the source.

use kinora_media::Pictures;
use kinora_plan::{
    Warning,
    job::{JobReport, StoredText},
};

use super::{
    plans::plan_of,
    reports::{Intake, misfit},
};
use crate::{
    error::TranscodingError,
    repository::{Job, extras, jobs, transcodes},
    service::Transcoding,
    state::fit::{Misfit, check_pictures, check_texts},
};

/// The poster and the storyboard become those of the encode.
pub(super) async fn pictures_made(
    service: &Transcoding,
    job: &Job,
    report: &JobReport,
    (pictures, warnings): (&Pictures, &[Warning]),
) -> Result<Intake, TranscodingError> {
    if let Err(error) = check_pictures(report.attempt, pictures) {
        return misfit(service, job, error).await;
    }
    let mut tx = service.deps.db.begin_write().await?;
    let accepted = (job.id, report.attempt, 0);
    if !jobs::finish(&mut tx, accepted, &report.worker, warnings, service.now_us()).await? {
        return Ok(Intake::Refused);
    }
    extras::insert_pictures(&mut tx, (job.video, job.version), pictures).await?;
    transcodes::want(&mut tx, job.video, job.version).await?;
    tx.commit().await?;
    Ok(Intake::Applied)
}

/// Embedded subtitles become text tracks with the next publish that may show them.
pub(super) async fn text_extracted(
    service: &Transcoding,
    job: &Job,
    report: &JobReport,
    (texts, warnings): (&[StoredText], &[Warning]),
) -> Result<Intake, TranscodingError> {
    let Some(plan) = plan_of(service, job.video, job.version).await? else {
        return misfit(service, job, Misfit("there is no plan for it".into())).await;
    };
    if let Err(error) = check_texts(&plan, report.attempt, texts) {
        return misfit(service, job, error).await;
    }
    let mut tx = service.deps.db.begin_write().await?;
    let accepted = (job.id, report.attempt, 0);
    if !jobs::finish(&mut tx, accepted, &report.worker, warnings, service.now_us()).await? {
        return Ok(Intake::Refused);
    }
    extras::insert_texts(&mut tx, (job.video, job.version), texts).await?;
    transcodes::want(&mut tx, job.video, job.version).await?;
    tx.commit().await?;
    Ok(Intake::Applied)
}
