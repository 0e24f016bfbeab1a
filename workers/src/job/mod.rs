//! One job, from its delivery to its acknowledgement. One file a class of jobs.

mod analyse;
mod audio;
mod chunk;
mod pictures;
mod probe;
mod text;

use std::{future::Future, sync::Arc};

use kinora_plan::{
    encoder::{Failure, FailureKind},
    job::{JobMessage, JobPayload, JobReport, Report},
};
use kinora_queue::{JobDelivery, QueueError, Receipt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    cancel::Registration,
    child::Process,
    failure::{Stop, internal, scratch},
    progress::{self, Progress},
    run::{Host, QUEUE_PAUSE},
    scratch::JobScratch,
    series::{Place, Series, Waiting},
};

/// A job that runs here.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) host: Arc<Host>,
    pub(crate) message: JobMessage,
    pub(crate) scratch: JobScratch,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cancelled: CancellationToken,
}

impl Job {
    /// Ends when the job shall not go on, and says why.
    pub(crate) async fn stopped(&self) -> Stop {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Stop::Cancelled,
            () = self.host.shutdown.cancelled() => Stop::Shutdown,
        }
    }

    /// What `future` gives, unless the job shall not go on.
    pub(crate) async fn unless_stopped<T>(
        &self,
        future: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        tokio::select! {
            biased;
            stop = self.stopped() => Err(stop),
            value = future => Ok(value),
        }
    }

    /// Puts a report on the results lane, however long the queue is away.
    pub(crate) async fn report(&self, report: Report) -> Result<(), Stop> {
        send_report(&self.host, &self.message, report).await
    }
}

/// Runs a job and settles its delivery. Never fails: whatever happens becomes a report, or the
/// job goes back to the queue.
pub(crate) async fn handle(host: &Arc<Host>, place: &Arc<Place>, delivery: JobDelivery) {
    let JobDelivery { message, receipt } = delivery;
    let span = tracing::info_span!(
        "job",
        job.id = %message.job,
        job.class = message.payload.class().as_str(),
        job.attempt = message.attempt,
        video.id = %message.video,
        trace_id = message.trace.map(|trace| trace.trace_id()),
        chunk.index = tracing::field::Empty,
        track.id = tracing::field::Empty,
    );
    match &message.payload {
        JobPayload::Probe(_)
        | JobPayload::Analyse(_)
        | JobPayload::MakePictures(_)
        | JobPayload::ExtractText { .. } => {}
        JobPayload::EncodeChunk(spec) => {
            span.record("chunk.index", spec.chunk.index);
        }
        JobPayload::EncodeAudio { track, .. } => {
            span.record("track.id", track.as_str());
        }
    }
    settle(host, place, message, receipt).instrument(span).await;
}

async fn settle(host: &Arc<Host>, place: &Arc<Place>, message: JobMessage, receipt: Receipt) {
    let progress = Arc::new(Progress::new(&message.payload));
    let beat = progress::heartbeat(
        Arc::clone(&host.queue),
        host.config.worker_name.clone(),
        host.config.progress_interval,
        &message,
        Arc::clone(&progress),
    );
    // A task of its own: a panic in a job must not take the slot with it.
    let body =
        attempt(Arc::clone(host), Arc::clone(place), message.clone(), progress).in_current_span();
    let end = tokio::spawn(body).await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "a job panicked");
        Err(internal("worker_panicked", "The worker failed at this job by a mistake of its own.")
            .into())
    });
    let sent = match end {
        Ok(report) => send_report(host, &message, report).await,
        Err(Stop::Failed(failure)) => {
            tracing::warn!(
                failure.kind = ?failure.kind,
                failure.code,
                failure.message,
                "the job failed"
            );
            send_report(host, &message, Report::Failed(failure)).await
        }
        Err(stop) => Err(stop),
    };
    drop(beat);
    acknowledge(host, receipt, sent).await;
}

/// Runs the job in a scratch folder of its own, or in that of a child that goes on with it.
async fn attempt(
    host: Arc<Host>,
    place: Arc<Place>,
    message: JobMessage,
    progress: Arc<Progress>,
) -> Result<Report, Stop> {
    let registration = host.running.register(&message);
    let series = Series::of(&message).filter(|_| host.in_series);
    let waiting = place.take(series.as_ref()).await;
    // Kept as long as the job's files may be there.
    let _room = host.room.promise(&message.payload, &host.config.worker_name)?;
    let (mut process, scratch) = match waiting {
        Some((process, scratch)) => (Some(process), scratch),
        None => (None, host.scratch.job().map_err(|error| scratch("make a folder", &error))?),
    };
    let job = Job { host, message, scratch, progress, cancelled: registration.token.clone() };
    tracing::debug!("the job begins");
    let result = match &job.message.payload {
        JobPayload::Probe(spec) => probe::run(&job, spec).await,
        JobPayload::EncodeChunk(spec) => {
            chunk::run(&job, spec, series.is_some(), &mut process).await
        }
        JobPayload::EncodeAudio { track, spec, first_part } => {
            audio::run(&job, track, spec, *first_part).await
        }
        JobPayload::Analyse(spec) => analyse::run(&job, spec).await,
        JobPayload::MakePictures(spec) => pictures::run(&job, spec).await,
        JobPayload::ExtractText { tracks, spec } => text::run(&job, tracks, spec).await,
    };
    match (series, process) {
        (Some(series), Some(process)) => keep(job, &place, series, process, registration).await,
        _ => job.scratch.remove().await,
    }
    result
}

/// Lets a child wait for the next chunk of its title.
async fn keep(
    job: Job,
    place: &Place,
    series: Series,
    mut process: Process,
    registration: Registration,
) {
    if process.may_go_on().await && job.scratch.clear().await.is_ok() {
        let until = Instant::now() + job.host.config.idle_timeout;
        place.keep(Waiting { series, process, scratch: job.scratch, registration, until });
        return;
    }
    process.kill().await;
    job.scratch.remove().await;
}

async fn send_report(host: &Host, message: &JobMessage, report: Report) -> Result<(), Stop> {
    let report = JobReport {
        job: message.job,
        attempt: message.attempt,
        worker: host.config.worker_name.clone(),
        trace: message.trace,
        report,
    };
    persist(host, "report", || host.queue.report(&report)).await
}

/// The last report is confirmed (or will never be): lets go of the job.
async fn acknowledge(host: &Host, receipt: Receipt, sent: Result<(), Stop>) {
    let queue = &host.queue;
    let settled = match sent {
        Ok(()) | Err(Stop::Failed(_)) => {
            tracing::debug!("the job is done");
            persist(host, "finish", || queue.finish(receipt.clone())).await
        }
        Err(Stop::Cancelled) => {
            tracing::info!("the job was cancelled");
            persist(host, "finish", || queue.finish(receipt.clone())).await
        }
        Err(Stop::Shutdown) => {
            tracing::info!("the worker is going away: the job goes back");
            persist(host, "release", || queue.release(receipt.clone())).await
        }
    };
    if settled.is_err() {
        // The queue gives it to somebody else, who finds the work done or does it again.
        tracing::warn!("the queue did not hear what became of the job");
    }
}

/// Says something to the queue until it is heard; gives up when the worker shuts down, or the
/// queue does.
async fn persist<F: Future<Output = Result<(), QueueError>>>(
    host: &Host,
    action: &str,
    say: impl Fn() -> F,
) -> Result<(), Stop> {
    loop {
        match say().await {
            Ok(()) => return Ok(()),
            Err(QueueError::Closed) => return Err(Stop::Shutdown),
            Err(error) => tracing::warn!(action, error = %error, "the queue does not listen"),
        }
        let pause = tokio::time::sleep(QUEUE_PAUSE);
        host.shutdown.run_until_cancelled(pause).await.ok_or(Stop::Shutdown)?;
    }
}

/// A child that answers another question than it was asked.
pub(crate) fn unexpected_answer() -> Failure {
    Failure {
        kind: FailureKind::Internal,
        code: "encoder_protocol".into(),
        message: "The encoder's answer does not fit the task; are worker and encoder of one \
                  version?"
            .into(),
    }
}
