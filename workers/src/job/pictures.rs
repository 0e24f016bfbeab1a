//! `make_pictures`: the poster and the storyboard, an object each picture.

use std::path::Path;

use kinora_media::{Pictures, Storyboard};
use kinora_plan::{
    encoder::{EncoderSpec, Outcome, PicturesOutcome, PicturesSpec},
    job::Report,
};
use kinora_store::keys;

use super::{Job, unexpected_answer};
use crate::{
    child::{Child, Event},
    failure::Stop,
    upload,
};

/// Sheets of a storyboard taken from a child, at most.
const MAX_SHEETS: usize = 100;

pub(super) async fn run(job: &Job, spec: &PicturesSpec) -> Result<Report, Stop> {
    let mut task = spec.clone();
    task.output_dir = job.scratch.output();
    let task = EncoderSpec::Pictures(Box::new(task));
    let mut child = Child::start(job, task, spec.source_size).await?;
    let Event::Done(Outcome::Pictures(outcome)) = child.next().await? else {
        return Err(unexpected_answer().into());
    };
    let PicturesOutcome { mut pictures, warnings } = outcome;
    let Pictures { poster, small, storyboard: Storyboard { sheets, .. } } = &mut pictures;
    if sheets.len() > MAX_SHEETS {
        return Err(unexpected_answer().into());
    }
    store(job, &mut poster.object, poster.size).await?;
    store(job, &mut small.object, small.size).await?;
    for sheet in sheets {
        store(job, &mut sheet.object, sheet.size).await?;
    }
    Ok(Report::PicturesMade { pictures: Box::new(pictures), warnings })
}

/// Stores a picture under a name that tells the attempt, which takes the place of the child's.
async fn store(job: &Job, name: &mut String, size: u64) -> Result<(), Stop> {
    let stem = Path::new(&*name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let object = format!("{stem}-{}.jpg", job.message.attempt);
    let key = keys::picture(job.message.video, job.message.version, &object);
    let (true, Some(key)) = (*name == format!("{stem}.jpg"), key) else {
        return Err(unexpected_answer().into());
    };
    upload::file(job, &key, &job.scratch.output().join(&*name), size).await?;
    *name = object;
    Ok(())
}
