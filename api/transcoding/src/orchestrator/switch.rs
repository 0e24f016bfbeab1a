//! From a graphics processor to software, once a title.
//!
//! Parameter sets differ between encoders, so what a device began either goes on there to the end
//! or is cut once, for all renditions at the same chunk. Where that chunk lies: at the first that
//! has no accepted result. Nothing beyond it was ever in a head, because heads show chunks without
//! a gap; everything before it stays. While nothing is published (nothing is frozen) it is chunk
//! 0, and players never see a device's pictures.
//!
//! It comes when the device fails, and when no worker with such a device is left.

use std::sync::Arc;

use kinora_plan::{Plan, Warning, device::EncoderFamily};
use sqlx::AnyConnection;

use super::{plans::plan_of, setback::clock_face};
use crate::{
    config::micros,
    error::TranscodingError,
    repository::{Job, Transcode, backlog, switch, transcodes},
    service::Transcoding,
    state::{SwitchReason, retry::Setback},
};

/// An encode, and what was planned for it.
pub(super) type Planned = (Transcode, Arc<Plan>);

/// The encode a job belongs to, and its plan, if the job's chunk is encoded on a device.
pub(super) async fn on_device(
    service: &Transcoding,
    tx: &mut AnyConnection,
    job: &Job,
) -> Result<Option<Planned>, TranscodingError> {
    let Some(chunk) = job.chunk else { return Ok(None) };
    let Some(plan) = plan_of(service, job.video, job.version).await? else { return Ok(None) };
    if plan.video.as_ref().is_none_or(|video| video.encoder.is_software()) {
        return Ok(None);
    }
    let transcode = transcodes::find(&mut *tx, job.video, job.version).await?;
    let before = |transcode: &Transcode| transcode.software_from.is_none_or(|from| chunk < from);
    Ok(transcode.filter(before).map(|transcode| (transcode, plan)))
}

/// What it means that nobody took a job for as long as it may lie in the queue: its device's workers
/// are busy, or there are none.
pub(super) async fn never_taken(
    service: &Transcoding,
    tx: &mut AnyConnection,
    (_, plan): &Planned,
) -> Result<Setback<'static>, TranscodingError> {
    let family = plan.video.as_ref().and_then(|video| video.encoder.family.device());
    let Some(family) = family else { return Ok(Setback::NeverTaken) };
    let served = is_served(service, tx, family).await?;
    Ok(if served { Setback::NeverTaken } else { Setback::Unserved })
}

/// Whether any worker was at work on such a device lately.
async fn is_served(
    service: &Transcoding,
    tx: &mut AnyConnection,
    family: EncoderFamily,
) -> Result<bool, TranscodingError> {
    let lease_us = micros(service.deps.config.dispatch_lease_ms);
    let since_us = service.now_us().saturating_sub(lease_us);
    Ok(backlog::is_served(tx, family, since_us).await?)
}

/// Switches all titles that wait for a device which no worker has: each would wait as long for
/// itself.
pub(super) async fn leave(
    service: &Transcoding,
    family: EncoderFamily,
) -> Result<(), TranscodingError> {
    for (video, version) in switch::waiting_for(service.deps.db.read(), family).await? {
        let Some(plan) = plan_of(service, video, version).await? else { continue };
        let mut tx = service.deps.db.begin_write().await?;
        if is_served(service, &mut tx, family).await? {
            return Ok(());
        }
        if let Some(transcode) = transcodes::find(&mut *tx, video, version).await? {
            let encode = (transcode, plan);
            to_software(&mut tx, &encode, SwitchReason::Gone, service.now_us()).await?;
        }
        tx.commit().await?;
        service.changed(video);
    }
    Ok(())
}

/// Switches. A job that failed has been put back; all commits or nothing.
pub(super) async fn to_software(
    tx: &mut AnyConnection,
    (transcode, plan): &Planned,
    because: SwitchReason,
    now_us: i64,
) -> Result<(), TranscodingError> {
    let encode = (transcode.video, transcode.version);
    let rungs = || plan.video.iter().flat_map(|video| &video.ladder.rungs);
    let mut from = 0;
    if transcode.frozen.is_some()
        && let Some(rung) = rungs().next()
    {
        from = switch::first_missing(&mut *tx, encode, &rung.track).await?;
    }
    if !switch::settle(tx, encode, from, because).await? {
        return Ok(());
    }
    for rung in rungs() {
        switch::forget_objects(tx, encode, &rung.track, from).await?;
    }
    let redone = switch::redo_chunks(tx, encode, from, now_us).await?;
    tracing::warn!(
        video.id = %transcode.video,
        chunk.first = from,
        chunks = redone,
        because = because.as_str(),
        "the graphics processor failed or is gone: the CPU encodes from here on"
    );
    Ok(())
}

/// What people read of it.
pub(crate) fn warning(plan: &Plan, transcode: &Transcode) -> Option<Warning> {
    let video = plan.video.as_ref()?;
    let from = transcode.software_from?;
    let (code, what) = match transcode.software_because {
        Some(SwitchReason::Gone) => ("gpu_gone", "No worker with the graphics processor was left"),
        Some(SwitchReason::Failed) | None => ("gpu_failed", "The graphics processor failed"),
    };
    let message = match usize::try_from(from).ok().and_then(|index| video.chunks.get(index)) {
        Some(chunk) if from > 0 => format!(
            "{what} at {}; the rest was encoded on the CPU.",
            clock_face(video.stream.frame_rate.frame_micros(chunk.first_frame))
        ),
        _ => format!("{what}; the picture was encoded on the CPU."),
    };
    Some(Warning { code: code.into(), message })
}
