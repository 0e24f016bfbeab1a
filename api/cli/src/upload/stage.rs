//! How far things are, for the words said when somebody presses Ctrl-C.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::failure::{Exit, Failure};
use crate::terminal::format;

/// Shared with the connection's task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stage(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    name: String,
    size: u64,
    sent_bytes: u64,
    video: Option<Uuid>,
    sent: bool,
}

impl Stage {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, name: &str, size: u64) {
        *self.inner() = Inner { name: name.to_owned(), size, ..Inner::default() };
    }

    pub(super) fn created(&self, video: Uuid) {
        self.inner().video = Some(video);
    }

    pub(super) fn reached(&self, offset: u64) {
        self.inner().sent_bytes = offset;
    }

    pub(super) fn sent(&self) {
        self.inner().sent = true;
    }

    pub(crate) fn interrupted(&self) -> Failure {
        let it = self.inner();
        let interrupted = |what| Failure::new(Exit::Interrupted, "interrupted", what);
        match it.video {
            Some(video) if it.sent => {
                interrupted(format!("interrupted; {} is uploaded and goes on without you", it.name))
                    .help(format!("Look again with `kinora watch {video}`."))
            }
            Some(_) => {
                let (sent, size) = (format::bytes(it.sent_bytes), format::bytes(it.size));
                interrupted(format!("interrupted; about {sent} of {size} of {} are sent", it.name))
                    .help("Run the same command again to go on from there.")
            }
            None => interrupted("interrupted before anything was sent".into()),
        }
    }
}
