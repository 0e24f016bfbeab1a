//! From a graphics processor to software, once a title.
//!
//! Parameter sets differ between encoders, so what a device began either goes on there to the end
//! or is cut once, for all renditions at the same chunk. Where that chunk lies: at the first that
//! has no accepted result. Nothing beyond it was ever in a head, because heads show chunks without
//! a gap; everything before it stays. While nothing is published (nothing is frozen) it is chunk
//! 0, and players never see a device's pictures.

use kinora_plan::{Plan, Warning};
use sqlx::AnyConnection;

use super::{plans::plan_of, setback::clock_face};
use crate::{
    error::TranscodingError,
    repository::{Job, Transcode, switch, transcodes},
    service::Transcoding,
};

/// The encode a job belongs to, and its plan, if the job's chunk is encoded on a device.
pub(super) async fn on_device(
    service: &Transcoding,
    tx: &mut AnyConnection,
    job: &Job,
) -> Result<Option<(Transcode, std::sync::Arc<Plan>)>, TranscodingError> {
    let Some(chunk) = job.chunk else { return Ok(None) };
    let Some(plan) = plan_of(service, job.video, job.version).await? else { return Ok(None) };
    if plan.video.as_ref().is_none_or(|video| video.encoder.is_software()) {
        return Ok(None);
    }
    let transcode = transcodes::find(&mut *tx, job.video, job.version).await?;
    let before = |transcode: &Transcode| transcode.software_from.is_none_or(|from| chunk < from);
    Ok(transcode.filter(before).map(|transcode| (transcode, plan)))
}

/// Switches. The failed job has been put back; all commits or nothing.
pub(super) async fn to_software(
    tx: &mut AnyConnection,
    (transcode, plan): &(Transcode, std::sync::Arc<Plan>),
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
    if !switch::settle(tx, encode, from).await? {
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
        "the graphics processor failed: the CPU encodes from here on"
    );
    Ok(())
}

/// What people read of it.
pub(crate) fn warning(plan: &Plan, software_from: Option<u32>) -> Option<Warning> {
    let video = plan.video.as_ref()?;
    let from = software_from?;
    let message = match usize::try_from(from).ok().and_then(|index| video.chunks.get(index)) {
        Some(chunk) if from > 0 => format!(
            "The graphics processor failed at {}; the rest was encoded on the CPU.",
            clock_face(video.stream.frame_rate.frame_micros(chunk.first_frame))
        ),
        _ => "The graphics processor failed; the picture was encoded on the CPU.".to_owned(),
    };
    Some(Warning { code: "gpu_failed".into(), message })
}
