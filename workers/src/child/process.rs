//! A child's process, which may outlive a task and go on with another.

use std::sync::Arc;

use kinora_plan::{
    encoder::{EncoderSpec, Failure},
    source_protocol::MAX_TASK,
};
use kinora_store::Key;
use tokio::{process::ChildStdout, time::timeout};

use super::{
    GRACE, command, current::Current, group::Group, memory::MemoryWatch, messages::Messages,
    source::SourceServer, stderr::StderrLog,
};
use crate::{
    failure::{self, Stop, internal, scratch},
    job::Job,
};

/// Chunks that one process encodes at most: what goes wrong in it unseen ends with it, and a start
/// is a small part of so many.
const MOST_TASKS: u32 = 16;
/// A process that waits with more than so many eighths of what it had after its first chunk has
/// leaked, or its heap has become a sieve.
const MOST_EIGHTHS: u64 = 11;

/// A process, what it says and what it is told. Dropping it kills its whole group.
#[derive(Debug)]
pub(crate) struct Process {
    pub(super) child: tokio::process::Child,
    pub(super) group: Group,
    pub(super) messages: Messages<ChildStdout>,
    pub(super) stderr: StderrLog,
    pub(super) memory: MemoryWatch,
    pub(super) source: SourceServer,
    tasks: u32,
    /// What it had in memory after its first task, MiB.
    usual_mib: Option<u64>,
}

impl Process {
    /// Starts the encoder on `spec`, with the job's source of `source_size` bytes; in a series it
    /// asks for other tasks afterwards.
    pub(super) async fn start(
        job: &Job,
        spec: &EncoderSpec,
        source_size: u64,
        series: bool,
    ) -> Result<Self, Stop> {
        let key = Key::new(job.message.source_key.as_str())
            .map_err(|error| internal("source_missing", format!("The source's key: {error}.")))?;
        let written = tokio::fs::write(job.scratch.spec(), json(spec)?).await;
        written.map_err(|error| scratch("write the task", &error))?;

        let current = Arc::new(Current::of(job));
        let (source, child_end) = SourceServer::start(job, key, source_size, Arc::clone(&current))
            .map_err(|error| failure::resource("no_socket", format!("No socket: {error}.")))?;
        let mut command = command::command(job, spec, child_end);
        if series {
            command::in_series(&mut command);
        }
        let mut child = command.spawn().map_err(|error| {
            let path = job.host.config.encoder.display();
            failure::resource("encoder_missing", format!("{path} cannot be started: {error}."))
        })?;
        let group = Group::of(&child, job.host.config.nice)?;
        let pid = child.id().unwrap_or(0);
        let stdout = child.stdout.take().ok_or_else(no_pipe)?;
        let stderr = child.stderr.take().ok_or_else(no_pipe)?;
        Ok(Self {
            child,
            group,
            messages: Messages::new(stdout),
            stderr: StderrLog::start(stderr, move || current.span()),
            memory: MemoryWatch::start(pid),
            source,
            tasks: 1,
            usual_mib: None,
        })
    }

    /// Gives a process that waits another task.
    pub(super) fn go_on(mut self, job: &Job, spec: &EncoderSpec) -> Result<Self, Stop> {
        self.source.give(job, json(spec)?);
        self.tasks += 1;
        Ok(self)
    }

    /// Whether a process that waits can be trusted with another task.
    pub(crate) async fn may_go_on(&mut self) -> bool {
        let Some(resident_mib) = self.memory.resident_mib().await else { return false };
        let usual_mib = *self.usual_mib.get_or_insert(resident_mib);
        self.tasks < MOST_TASKS
            && resident_mib.saturating_mul(8) <= usual_mib.saturating_mul(MOST_EIGHTHS)
            && self.source.failure().is_none()
            && self.is_alive()
    }

    /// Whether it has not ended.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the whole group, and waits until the child is gone so that scratch can be removed.
    pub(crate) async fn kill(&mut self) {
        self.group.kill();
        if timeout(GRACE, self.child.wait()).await.is_err() {
            tracing::error!("a killed encoder is still there");
        }
    }
}

fn json(spec: &EncoderSpec) -> Result<Vec<u8>, Failure> {
    let json = serde_json::to_vec(spec)
        .map_err(|error| internal("spec", format!("The task cannot be written: {error}.")))?;
    match json.len() as u64 {
        0..=MAX_TASK => Ok(json),
        length => Err(internal("spec", format!("The task has {length} bytes."))),
    }
}

fn no_pipe() -> Failure {
    internal("no_pipe", "The encoder was started without pipes.")
}
