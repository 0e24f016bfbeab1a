//! Which jobs run here, so that a control word can stop them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use kinora_media::{JobId, VideoId};
use kinora_plan::job::{Control, JobMessage};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

/// The jobs that run here. One may be here twice, when it was delivered twice.
#[derive(Debug, Default)]
pub(crate) struct Running {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    jobs: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    video: VideoId,
    job: JobId,
    attempt: u32,
    token: CancellationToken,
}

/// A job's entry, as long as it lives.
#[derive(Debug)]
pub(crate) struct Registration {
    running: Arc<Running>,
    number: u64,
    /// Cancelled when nobody wants the job any more.
    pub(crate) token: CancellationToken,
}

impl Running {
    pub(crate) fn register(self: &Arc<Self>, message: &JobMessage) -> Registration {
        let token = CancellationToken::new();
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let entry = Entry {
            video: message.video,
            job: message.job,
            attempt: message.attempt,
            token: token.clone(),
        };
        state.jobs.insert(number, entry);
        Registration { running: Arc::clone(self), number, token }
    }

    fn stop(&self, control: &Control) {
        for entry in self.state().jobs.values() {
            let meant = match control {
                Control::CancelVideo { video } => entry.video == *video,
                Control::CancelAttempt { job, attempt } => {
                    entry.job == *job && entry.attempt == *attempt
                }
            };
            if meant {
                entry.token.cancel();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.running.state().jobs.remove(&self.number);
    }
}

/// Obeys control words until the worker shuts down.
pub(crate) async fn listen(
    running: Arc<Running>,
    mut controls: Receiver<Control>,
    shutdown: CancellationToken,
) {
    loop {
        let control = tokio::select! {
            () = shutdown.cancelled() => return,
            control = controls.recv() => control,
        };
        match control {
            Ok(control) => running.stop(&control),
            // A job that should have stopped is fenced by its attempt.
            Err(RecvError::Lagged(lost)) => tracing::warn!(lost, "missed control words"),
            Err(RecvError::Closed) => return,
        }
    }
}
