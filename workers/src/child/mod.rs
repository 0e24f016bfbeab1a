//! The child process: started, watched, and never outliving its job.

mod command;
mod current;
mod group;
mod memory;
mod messages;
mod process;
mod source;
mod stderr;

use std::{process::ExitStatus, time::Duration};

use kinora_plan::encoder::{AudioPart, ChunkSpec, EncoderSpec, Failure, Message, Outcome};
use tokio::time::{Instant, sleep_until};

pub(crate) use self::{command::environment, process::Process};
use crate::{
    failure::{self, Stop, internal, scratch},
    job::Job,
};

/// How long a killed child may take to be gone, and a dead one's output to end.
const GRACE: Duration = Duration::from_secs(1);
/// No deadline is further away.
const MAX_DEADLINE: Duration = Duration::from_secs(7 * 24 * 3600);

/// A child at work on one job. Dropping it kills its whole process group.
pub(crate) struct Child<'a> {
    job: &'a Job,
    process: Process,
    deadline: Instant,
    /// Its last message.
    answer: Option<Result<Outcome, Failure>>,
    /// Whether it asked for another task.
    asked: bool,
}

/// What a child says that its job must know.
pub(crate) enum Event {
    /// A part of a soundtrack lies in the output folder.
    AudioPart(AudioPart),
    /// It did its task, and is gone or asks for another.
    Done(Outcome),
}

impl<'a> Child<'a> {
    /// Starts the encoder on `spec`, with the job's source of `source_size` bytes.
    pub(crate) async fn start(
        job: &'a Job,
        spec: EncoderSpec,
        source_size: u64,
    ) -> Result<Self, Stop> {
        let process = Process::start(job, &spec, source_size, false).await?;
        Ok(Self::on(job, process))
    }

    /// Has a chunk encoded by a child that may go on with others afterwards: by `process`, which did
    /// one before, or by a new one.
    pub(crate) async fn in_series(
        job: &'a Job,
        spec: ChunkSpec,
        process: Option<Process>,
    ) -> Result<Self, Stop> {
        let source_size = spec.source_size;
        let spec = EncoderSpec::Chunk(Box::new(spec));
        let process = match process {
            Some(process) => process.go_on(job, &spec)?,
            None => Process::start(job, &spec, source_size, true).await?,
        };
        Ok(Self::on(job, process))
    }

    fn on(job: &'a Job, process: Process) -> Self {
        job.progress.touch();
        let deadline =
            Instant::now() + MAX_DEADLINE.min(Duration::from_millis(job.message.deadline_ms));
        Self { job, process, deadline, answer: None, asked: false }
    }

    /// The child's process, if it did its task and waits for another.
    pub(crate) fn into_waiting(self) -> Option<Process> {
        self.asked.then_some(self.process)
    }

    /// Waits for the child's next word; after `Done` and after an error there is none.
    pub(crate) async fn next(&mut self) -> Result<Event, Stop> {
        let stall_timeout = self.job.host.config.stall_timeout;
        let mut status = None;
        let mut heard_all = false;
        let mut drained_by = self.deadline;
        // Storing a part takes time in which the child is not listened to.
        self.job.progress.touch();
        loop {
            if let (Some(status), true) = (status, heard_all) {
                return self.end(status).await;
            }
            let stalled_at = self.job.progress.moved() + stall_timeout;
            tokio::select! {
                biased;
                stop = self.job.stopped() => return Err(self.kill(stop).await),
                () = sleep_until(self.deadline) => {
                    return Err(self.kill(deadline(self.job.message.deadline_ms)).await);
                }
                () = sleep_until(stalled_at) => {
                    if self.job.progress.moved() + stall_timeout <= Instant::now() {
                        let why = match self.process.source.is_reading() {
                            true => store_stalled(stall_timeout),
                            false => stalled(stall_timeout),
                        };
                        return Err(self.kill(why).await);
                    }
                }
                message = self.process.messages.next(), if !heard_all => match message {
                    Ok(Some(message)) => {
                        if let Some(event) = self.take(message).await? {
                            return Ok(event);
                        }
                    }
                    Ok(None) => heard_all = true,
                    Err(error) => {
                        let text = format!("The encoder's answer is broken: {error}.");
                        return Err(self.kill(internal("encoder_protocol", text).into()).await);
                    }
                },
                () = self.process.source.asked(), if matches!(self.answer, Some(Ok(_))) => {
                    if let Some(Ok(outcome)) = self.answer.take() {
                        self.asked = true;
                        return Ok(Event::Done(outcome));
                    }
                }
                ended = self.process.child.wait(), if status.is_none() => {
                    status = Some(ended.map_err(|error| scratch("wait for the encoder", &error))?);
                    // A grandchild may keep the pipe open for ever.
                    drained_by = Instant::now() + GRACE;
                }
                () = sleep_until(drained_by), if status.is_some() => heard_all = true,
            }
        }
    }

    async fn take(&mut self, message: Message) -> Result<Option<Event>, Stop> {
        if self.answer.is_some() {
            let failure = internal("encoder_protocol", "The encoder spoke on after its answer.");
            return Err(self.kill(failure.into()).await);
        }
        match message {
            Message::Progress { done, total } => self.job.progress.set(done, total),
            Message::AudioPart(part) => return Ok(Some(Event::AudioPart(part))),
            Message::Done(outcome) => self.answer = Some(Ok(outcome)),
            Message::Failed(failure) => self.answer = Some(Err(failure::from_child(failure))),
        }
        Ok(None)
    }

    /// Judges a child that is gone. A result counts only if the child also ended well.
    async fn end(&mut self, status: ExitStatus) -> Result<Event, Stop> {
        let process = &mut self.process;
        process.group.kill();
        let last_words = process.stderr.last_words(GRACE).await;
        let failure = match self.answer.take() {
            Some(Ok(outcome)) if status.success() => return Ok(Event::Done(outcome)),
            Some(Err(failure)) => failure,
            _ => {
                let limit_mib = self.job.host.config.memory_limit_mib;
                failure::crash(status, &last_words, process.memory.peak_mib(), limit_mib)
            }
        };
        tracing::warn!(encoder.status = %status, encoder.stderr = last_words, "the encoder failed");
        // The child only knows that it could not read; the worker knows why.
        Err(process.source.failure().unwrap_or(failure).into())
    }

    async fn kill(&mut self, why: Stop) -> Stop {
        self.process.kill().await;
        why
    }
}

fn deadline(deadline_ms: u64) -> Stop {
    let text = format!("The encoder was not done after {} s and was stopped.", deadline_ms / 1000);
    internal("deadline_exceeded", text).into()
}

fn stalled(timeout: Duration) -> Stop {
    let text = format!("The encoder made no progress for {} s and was stopped.", timeout.as_secs());
    internal("no_progress", text).into()
}

/// The child only waits for what this worker waits for.
fn store_stalled(timeout: Duration) -> Stop {
    let text = format!("The media store did not answer for {} s.", timeout.as_secs());
    failure::resource("source_read", text).into()
}
