//! `encode_audio`: one soundtrack, stored and reported part by part while it is encoded.

use kinora_media::TrackId;
use kinora_plan::{
    encoder::{AudioOutcome, AudioPart, AudioSpec, EncoderSpec, Outcome},
    job::{Report, StoredChunk},
};
use kinora_store::keys;

use super::{Job, unexpected_answer};
use crate::{
    child::{Child, Event},
    failure::{Stop, scratch},
    upload,
};

pub(super) async fn run(
    job: &Job,
    track: &TrackId,
    spec: &AudioSpec,
    first_part: u32,
) -> Result<Report, Stop> {
    let mut task = spec.clone();
    task.output_dir = job.scratch.output();
    let mut child = Child::start(job, EncoderSpec::Audio(Box::new(task)), spec.source_size).await?;
    let mut seen = 0;
    loop {
        match child.next().await? {
            Event::AudioPart(part) if part.index == seen => {
                if seen == 0 {
                    let init = job.scratch.output().join("init.mp4");
                    upload::init(job, track, 0, &init).await?;
                }
                take(job, track, part, first_part).await?;
                seen += 1;
            }
            Event::Done(Outcome::Audio(AudioOutcome { parts, duration, loudness, warnings }))
                if parts == seen =>
            {
                return Ok(Report::AudioEncoded { parts, duration, loudness, warnings });
            }
            _ => return Err(unexpected_answer().into()),
        }
    }
}

/// Stores and reports a part, unless an earlier attempt did.
async fn take(job: &Job, track: &TrackId, part: AudioPart, first_part: u32) -> Result<(), Stop> {
    let AudioPart { index, codec, priming, start, segments } = part;
    let file = job.scratch.output().join(format!("{index:05}.m4s"));
    if index < first_part {
        let removed = tokio::fs::remove_file(&file).await;
        return removed.map_err(|error| scratch("remove a part", &error).into());
    }
    let object = keys::chunk_object(index, job.message.attempt);
    upload::media(job, track, &object, &file, &segments).await?;
    // The store copied it or took it; either way this job needs it no more.
    let _ = tokio::fs::remove_file(&file).await;
    let object = StoredChunk { track: track.clone(), object, codec, start, segments };
    job.report(Report::AudioPartEncoded { part: index, priming, object }).await
}
