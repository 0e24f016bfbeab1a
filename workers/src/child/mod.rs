//! The child process: started, watched, and never outliving its job.

mod command;
mod group;
mod memory;
mod messages;
mod source;
mod stderr;

use std::{process::ExitStatus, time::Duration};

use kinora_plan::encoder::{AudioPart, EncoderSpec, Failure, Message, Outcome};
use kinora_store::Key;
use tokio::{
    process::ChildStdout,
    time::{Instant, sleep_until, timeout},
};

pub(crate) use self::command::environment;
use self::{
    group::Group, memory::MemoryWatch, messages::Messages, source::SourceServer, stderr::StderrLog,
};
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
    process: tokio::process::Child,
    group: Group,
    messages: Messages<ChildStdout>,
    stderr: StderrLog,
    memory: MemoryWatch,
    source: SourceServer,
    deadline: Instant,
    /// Its last message.
    answer: Option<Result<Outcome, Failure>>,
}

/// What a child says that its job must know.
pub(crate) enum Event {
    /// A part of a soundtrack lies in the output folder.
    AudioPart(AudioPart),
    /// It did its task, and is gone.
    Done(Outcome),
}

impl<'a> Child<'a> {
    /// Starts the encoder on `spec`, with the job's source of `source_size` bytes.
    pub(crate) async fn start(
        job: &'a Job,
        spec: EncoderSpec,
        source_size: u64,
    ) -> Result<Self, Stop> {
        let key = Key::new(job.message.source_key.as_str())
            .map_err(|error| internal("source_missing", format!("The source's key: {error}.")))?;
        let json = serde_json::to_vec(&spec)
            .map_err(|error| internal("spec", format!("The task cannot be written: {error}.")))?;
        let written = tokio::fs::write(job.scratch.spec(), json).await;
        written.map_err(|error| scratch("write the task", &error))?;

        let (source, child_end) = SourceServer::start(job, key, source_size)
            .map_err(|error| failure::resource("no_socket", format!("No socket: {error}.")))?;
        let mut process = command::command(job, &spec, child_end).spawn().map_err(|error| {
            let path = job.host.config.encoder.display();
            failure::resource("encoder_missing", format!("{path} cannot be started: {error}."))
        })?;
        let group = Group::of(&process, job.host.config.nice)?;
        let pid = process.id().unwrap_or(0);
        let stdout = process.stdout.take().ok_or_else(no_pipe)?;
        let stderr = process.stderr.take().ok_or_else(no_pipe)?;
        job.progress.touch();
        Ok(Self {
            job,
            process,
            group,
            messages: Messages::new(stdout),
            stderr: StderrLog::start(stderr),
            memory: MemoryWatch::start(pid),
            source,
            deadline: Instant::now()
                + MAX_DEADLINE.min(Duration::from_millis(job.message.deadline_ms)),
            answer: None,
        })
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
                        let why = match self.source.is_reading() {
                            true => store_stalled(stall_timeout),
                            false => stalled(stall_timeout),
                        };
                        return Err(self.kill(why).await);
                    }
                }
                message = self.messages.next(), if !heard_all => match message {
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
                ended = self.process.wait(), if status.is_none() => {
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
        self.group.kill();
        let last_words = self.stderr.last_words(GRACE).await;
        let failure = match self.answer.take() {
            Some(Ok(outcome)) if status.success() => return Ok(Event::Done(outcome)),
            Some(Err(failure)) => failure,
            _ => {
                let limit_mib = self.job.host.config.memory_limit_mib;
                failure::crash(status, &last_words, self.memory.peak_mib(), limit_mib)
            }
        };
        tracing::warn!(encoder.status = %status, encoder.stderr = last_words, "the encoder failed");
        // The child only knows that it could not read; the worker knows why.
        Err(self.source.failure().unwrap_or(failure).into())
    }

    /// Kills the whole group, and waits until the child is gone so that scratch can be removed.
    async fn kill(&mut self, why: Stop) -> Stop {
        self.group.kill();
        if timeout(GRACE, self.process.wait()).await.is_err() {
            tracing::error!("a killed encoder is still there");
        }
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

fn no_pipe() -> Failure {
    internal("no_pipe", "The encoder was started without pipes.")
}
