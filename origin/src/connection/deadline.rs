//! A time limit that is set and lifted with every request, for the price of a comparison.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

/// A timer that is moved only when it fires early or late, not each time the limit changes.
#[derive(Debug)]
pub(super) struct Deadline {
    timer: Pin<Box<Sleep>>,
    due: Option<Instant>,
}

impl Deadline {
    /// None is set yet; `usual` is when the first is expected.
    pub(super) fn new(usual: Duration) -> Self {
        Self { timer: Box::pin(tokio::time::sleep(usual)), due: None }
    }

    /// Begins, unless it has begun.
    pub(super) fn start(&mut self, limit: Duration) {
        self.due.get_or_insert_with(|| Instant::now() + limit);
    }

    pub(super) fn lift(&mut self) {
        self.due = None;
    }

    /// Whether it is over; if not, the task wakes when it is.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(due) = self.due else { return false };
        if self.timer.deadline() > due {
            self.timer.as_mut().reset(due);
        }
        while self.timer.as_mut().poll(cx) == Poll::Ready(()) {
            if Instant::now() >= due {
                self.due = None;
                return true;
            }
            self.timer.as_mut().reset(due);
        }
        false
    }
}
