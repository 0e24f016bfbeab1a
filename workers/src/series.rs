//! Chunks of one title, encoded by one child after another's end: starting a process, loading its
//! libraries and having the kernel clear its memory costs as much as encoding ten pictures.
//!
//! A slot keeps the child that encoded its last chunk, and gives it the next if that is of the same
//! title. So there are never more children than slots, and none ever sees two titles.

use std::sync::{Mutex, MutexGuard};

use kinora_media::{AccountId, VideoId};
use kinora_plan::{
    encoder::ChunkSpec,
    job::{JobMessage, JobPayload},
};
use tokio::time::{Instant, sleep_until};

use crate::{cancel::Registration, child::Process, scratch::JobScratch};

/// What all chunks of a series have in common.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Series {
    account: AccountId,
    video: VideoId,
    version: u32,
    source_key: String,
    /// Without what differs from chunk to chunk.
    spec: Box<ChunkSpec>,
}

impl Series {
    /// The series that a job belongs to; `None` if its child shall end with it. A graphics
    /// processor's sessions are for whoever works, and copied pictures are cheap.
    pub(crate) fn of(message: &JobMessage) -> Option<Self> {
        let JobPayload::EncodeChunk(spec) = &message.payload else { return None };
        if !spec.encoder.is_software() || spec.layout.is_some() {
            return None;
        }
        let mut spec = spec.clone();
        (spec.chunk.index, spec.chunk.first_frame, spec.chunk.frames) = (0, 0, 0);
        spec.chunk.segment_frames = 0;
        spec.last = false;
        Some(Self {
            account: message.account.clone(),
            video: message.video,
            version: message.version,
            source_key: message.source_key.clone(),
            spec,
        })
    }
}

/// A child that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) series: Series,
    pub(crate) process: Process,
    /// Its folder, empty.
    pub(crate) scratch: JobScratch,
    /// That of its last job: its title may be cancelled.
    pub(crate) registration: Registration,
    /// When it has waited long enough.
    pub(crate) until: Instant,
}

impl Waiting {
    async fn end(mut self) {
        self.process.kill().await;
        self.scratch.remove().await;
    }
}

/// Where a slot keeps the child that waits.
#[derive(Debug, Default)]
pub(crate) struct Place(Mutex<Option<Waiting>>);

impl Place {
    pub(crate) fn keep(&self, waiting: Waiting) {
        *self.lock() = Some(waiting);
    }

    /// The child that waits, if it may go on with a job of `series`. Any other ends.
    pub(crate) async fn take(&self, series: Option<&Series>) -> Option<(Process, JobScratch)> {
        let mut waiting = self.lock().take()?;
        let cancelled = waiting.registration.token.is_cancelled();
        if series == Some(&waiting.series) && !cancelled && waiting.process.is_alive() {
            return Some((waiting.process, waiting.scratch));
        }
        waiting.end().await;
        None
    }

    /// Ends the child when it has waited long enough, or its title was cancelled.
    pub(crate) async fn expire(&self) {
        let until = {
            let place = self.lock();
            place.as_ref().map(|waiting| (waiting.until, waiting.registration.token.clone()))
        };
        let Some((until, cancelled)) = until else { return };
        tokio::select! {
            () = sleep_until(until) => {}
            () = cancelled.cancelled() => {}
        }
        self.end().await;
    }

    pub(crate) async fn end(&self) {
        let waiting = self.lock().take();
        if let Some(waiting) = waiting {
            waiting.end().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}
