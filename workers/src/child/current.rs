//! Which job a child works on: what it does is counted and logged as that job's.

use std::sync::{Arc, Mutex, MutexGuard};

use tracing::Span;

use crate::{job::Job, progress::Progress};

/// One job after another.
#[derive(Debug)]
pub(super) struct Current(Mutex<(Arc<Progress>, Span)>);

impl Current {
    /// The job in whose span this is called.
    pub(super) fn of(job: &Job) -> Self {
        Self(Mutex::new((Arc::clone(&job.progress), Span::current())))
    }

    /// Goes on with another, in whose span this is called.
    pub(super) fn set(&self, job: &Job) {
        *self.lock() = (Arc::clone(&job.progress), Span::current());
    }

    pub(super) fn span(&self) -> Span {
        self.lock().1.clone()
    }

    /// Something moved that is not counted.
    pub(super) fn touch(&self) {
        self.lock().0.touch();
    }

    fn lock(&self) -> MutexGuard<'_, (Arc<Progress>, Span)> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}
