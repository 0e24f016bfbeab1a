//! `encode_chunk`: one chunk into every rung, one object a rung.

use kinora_plan::{
    encoder::{ChunkOutcome, ChunkSpec, EncodedTrack, EncoderSpec, Outcome},
    job::{Report, StoredChunk},
};
use kinora_store::keys;

use super::{Job, unexpected_answer};
use crate::{
    child::{Child, Event},
    failure::Stop,
    upload,
};

pub(super) async fn run(job: &Job, spec: &ChunkSpec) -> Result<Report, Stop> {
    let mut task = spec.clone();
    task.output_dir = job.scratch.output();
    let mut child = Child::start(job, EncoderSpec::Chunk(Box::new(task)), spec.source_size).await?;
    let Event::Done(Outcome::Chunk(outcome)) = child.next().await? else {
        return Err(unexpected_answer().into());
    };
    let ChunkOutcome { frames, renditions, warnings } = outcome;
    let asked = spec.rungs.iter().map(|rung| &rung.track);
    if !asked.eq(renditions.iter().map(|rendition| &rendition.track)) {
        return Err(unexpected_answer().into());
    }
    let mut objects = Vec::with_capacity(renditions.len());
    for rendition in renditions {
        objects.push(store(job, spec.chunk.index, rendition).await?);
    }
    Ok(Report::ChunkEncoded { frames, objects, warnings })
}

async fn store(job: &Job, chunk: u32, rendition: EncodedTrack) -> Result<StoredChunk, Stop> {
    let EncodedTrack { track, codec, start, segments } = rendition;
    let folder = job.scratch.output().join(track.as_str());
    let object = keys::chunk_object(chunk, job.message.attempt);
    upload::init(job, &track, &folder.join("init.mp4")).await?;
    upload::media(job, &track, &object, &folder.join("chunk.m4s"), &segments).await?;
    Ok(StoredChunk { track, object, codec, start, segments })
}
