//! Signs of life: how far a job is, and the beat that renews its lease.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use kinora_plan::job::{JobMessage, JobPayload, JobProgress};
use kinora_queue::JobQueue;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// The shortest beat, whatever a lease asks for.
const SHORTEST_BEAT: Duration = Duration::from_millis(50);
const NANOSECONDS_A_MILLISECOND: u64 = 1_000_000;

/// How far a job is, and when something last moved.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    done: u64,
    total: u64,
    moved: Instant,
}

impl Progress {
    pub(crate) fn new(payload: &JobPayload) -> Self {
        let total = match payload {
            JobPayload::Probe(_) => 1,
            JobPayload::EncodeChunk(spec) => spec.chunk.frames,
            JobPayload::Analyse(spec) => spec.wanted.into(),
            JobPayload::EncodeAudio { spec, .. } => spec.duration_ns / NANOSECONDS_A_MILLISECOND,
            JobPayload::MakePictures(spec) => spec.duration_us / 1000,
            JobPayload::ExtractText { spec, .. } => spec.duration_us / 1000,
        };
        Self { state: Mutex::new(State { done: 0, total, moved: Instant::now() }) }
    }

    /// Takes in what the child says. Saying the same again moves nothing.
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.update(|state| {
            if (done, total) != (state.done, state.total) {
                *state = State { done, total, moved: Instant::now() };
            }
        });
    }

    /// Something moved that is not counted.
    pub(crate) fn touch(&self) {
        self.update(|state| state.moved = Instant::now());
    }

    /// When something last moved.
    pub(crate) fn moved(&self) -> Instant {
        self.update(|state| state.moved)
    }

    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().expect("nothing panics while it holds this lock"))
    }
}

/// Publishes `progress` at once and then at least four times a lease, as long as the answer lives:
/// also while the child is silent or results are being stored.
pub(crate) fn heartbeat(
    queue: Arc<dyn JobQueue>,
    worker: String,
    interval: Duration,
    message: &JobMessage,
    progress: Arc<Progress>,
) -> AbortOnDropHandle<()> {
    let (job, attempt) = (message.job, message.attempt);
    let beat = interval.min(Duration::from_millis(message.lease_ms / 4)).max(SHORTEST_BEAT);
    let publish = async move {
        let mut beats = tokio::time::interval(beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            let (done, total) = progress.update(|state| (state.done, state.total));
            let sign = JobProgress { job, attempt, worker: worker.clone(), done, total };
            if let Err(error) = queue.publish_progress(&sign).await {
                tracing::debug!(error = %error, "a sign of life was lost");
            }
        }
    };
    AbortOnDropHandle::new(tokio::spawn(publish.in_current_span()))
}
