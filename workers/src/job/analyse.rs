//! `analyse`: what samples of the title say about the bits its picture needs.

use kinora_plan::{
    encoder::{EncoderSpec, Outcome},
    job::Report,
    quality::AnalysisSpec,
};

use super::{Job, unexpected_answer};
use crate::{
    child::{Child, Event},
    failure::Stop,
};

pub(super) async fn run(job: &Job, spec: &AnalysisSpec) -> Result<Report, Stop> {
    let mut task = spec.clone();
    task.output_dir = job.scratch.output();
    let task = EncoderSpec::Analyse(Box::new(task));
    let mut child = Child::start(job, task, spec.source_size).await?;
    match child.next().await? {
        Event::Done(Outcome::Analysis(analysis)) => Ok(Report::Analysed(analysis)),
        _ => Err(unexpected_answer().into()),
    }
}
