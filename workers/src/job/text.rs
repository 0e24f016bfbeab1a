//! `extract_text`: embedded subtitles, a WebVTT object each stream that holds text.

use kinora_media::TrackId;
use kinora_plan::{
    encoder::{EncoderSpec, Outcome, TextOutcome, TextSpec},
    job::{Report, StoredText},
};
use kinora_store::keys;

use super::{Job, unexpected_answer};
use crate::{
    child::{Child, Event},
    failure::Stop,
    upload,
};

pub(super) async fn run(job: &Job, tracks: &[TrackId], spec: &TextSpec) -> Result<Report, Stop> {
    let mut task = spec.clone();
    task.output_dir = job.scratch.output();
    let mut child = Child::start(job, EncoderSpec::Text(task), spec.source_size).await?;
    let Event::Done(Outcome::Text(TextOutcome { sizes, warnings })) = child.next().await? else {
        return Err(unexpected_answer().into());
    };
    if sizes.len() != tracks.len() {
        return Err(unexpected_answer().into());
    }
    let &kinora_plan::job::JobMessage { video, version, attempt, .. } = &job.message;
    let mut texts = Vec::new();
    for (index, (track, size)) in tracks.iter().zip(sizes).enumerate().filter(|(_, (_, s))| *s > 0)
    {
        let object = keys::text_object(attempt);
        let key = keys::track_object(video, version, track, &object);
        let file = job.scratch.output().join(format!("{index}.vtt"));
        upload::file(job, &key, &file, size).await?;
        texts.push(StoredText { track: track.clone(), object, size });
    }
    Ok(Report::TextExtracted { texts, warnings })
}
