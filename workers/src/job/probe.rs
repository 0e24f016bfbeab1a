//! `probe`: what the source holds.

use kinora_plan::{
    encoder::{EncoderSpec, Outcome, ProbeSpec},
    job::Report,
};

use super::{Job, unexpected_answer};
use crate::{
    child::{Child, Event},
    failure::Stop,
};

pub(super) async fn run(job: &Job, spec: &ProbeSpec) -> Result<Report, Stop> {
    let mut child = Child::start(job, EncoderSpec::Probe(spec.clone()), spec.source_size).await?;
    match child.next().await? {
        Event::Done(Outcome::Probe(mut report)) => {
            // What this host can encode with, the worker knows; the child only read the file.
            report.encoders = job.host.gpus.devices();
            Ok(Report::Probed(report))
        }
        _ => Err(unexpected_answer().into()),
    }
}
