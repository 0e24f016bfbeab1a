//! `encode_chunk`: one chunk into every rung, one object a rung.

use kinora_plan::{
    encoder::{ChunkOutcome, ChunkSpec, EncodedTrack, EncoderSpec, Outcome},
    job::{Report, StoredChunk},
};
use kinora_store::keys;

use super::{Job, unexpected_answer};
use crate::{
    child::{Child, Event, Process},
    failure::{self, Stop},
    upload,
};

/// `process` is a child of the same series that waits for the chunk, and afterwards one that waits
/// for the next; only where the chunk is `in_series`.
pub(super) async fn run(
    job: &Job,
    spec: &ChunkSpec,
    in_series: bool,
    process: &mut Option<Process>,
) -> Result<Report, Stop> {
    let mut task = spec.clone();
    task.output_dir = job.scratch.output();
    if in_series {
        let mut child = Child::in_series(job, task, process.take()).await?;
        let report = store_all(job, spec, child.next().await?).await?;
        // Nothing follows the last chunk.
        *process = child.into_waiting().filter(|_| !spec.last);
        return Ok(report);
    }
    if spec.encoder.is_software() {
        return encode(job, spec, task).await;
    }
    let reserved = job.host.gpus.reserve(&spec.encoder, spec.rungs.len());
    let reserved = job.unless_stopped(reserved).await??;
    task.encoder.device = Some(reserved.device.clone());
    tracing::debug!(gpu.id = reserved.device, "the chunk is encoded on a graphics processor");
    encode(job, spec, task).await.map_err(|stop| match stop {
        Stop::Failed(failure) => failure::on_device(failure).into(),
        other => other,
    })
}

async fn encode(job: &Job, spec: &ChunkSpec, task: ChunkSpec) -> Result<Report, Stop> {
    let mut child = Child::start(job, EncoderSpec::Chunk(Box::new(task)), spec.source_size).await?;
    store_all(job, spec, child.next().await?).await
}

async fn store_all(job: &Job, spec: &ChunkSpec, event: Event) -> Result<Report, Stop> {
    let Event::Done(Outcome::Chunk(outcome)) = event else {
        return Err(unexpected_answer().into());
    };
    let ChunkOutcome { frames, renditions, warnings } = outcome;
    let asked = spec.rungs.iter().map(|rung| &rung.track);
    if !asked.eq(renditions.iter().map(|rendition| &rendition.track)) {
        return Err(unexpected_answer().into());
    }
    let mut objects = Vec::with_capacity(renditions.len());
    for rendition in renditions {
        objects.push(store(job, spec, rendition).await?);
    }
    Ok(Report::ChunkEncoded { frames, objects, warnings })
}

async fn store(job: &Job, spec: &ChunkSpec, rendition: EncodedTrack) -> Result<StoredChunk, Stop> {
    let EncodedTrack { track, codec, start, segments } = rendition;
    let folder = job.scratch.output().join(track.as_str());
    let object = keys::chunk_object(spec.chunk.index, job.message.attempt);
    upload::init(job, &track, spec.generation, &folder.join("init.mp4")).await?;
    upload::media(job, &track, &object, &folder.join("chunk.m4s"), &segments).await?;
    Ok(StoredChunk { track, object, codec, start, segments })
}
