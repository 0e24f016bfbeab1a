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
    /// Whether the timer will wake the task, which has one waker.
    armed: bool,
    due: Option<Instant>,
}

impl Deadline {
    /// None is set yet; `usual` is when the first is expected.
    pub(super) fn new(usual: Duration) -> Self {
        Self { timer: Box::pin(tokio::time::sleep(usual)), armed: false, due: None }
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
        self.due.is_some_and(|due| self.poll_at(cx, Instant::now(), due))
    }

    /// The same, and it begins, unless it has begun.
    pub(super) fn poll_within(&mut self, cx: &mut Context<'_>, limit: Duration) -> bool {
        let now = Instant::now();
        let due = *self.due.get_or_insert(now + limit);
        self.poll_at(cx, now, due)
    }

    fn poll_at(&mut self, cx: &mut Context<'_>, now: Instant, due: Instant) -> bool {
        if self.timer.deadline() > due {
            self.timer.as_mut().reset(due);
            self.armed = false;
        }
        if self.armed && now < self.timer.deadline() {
            return false;
        }
        while self.timer.as_mut().poll(cx) == Poll::Ready(()) {
            if Instant::now() >= due {
                (self.due, self.armed) = (None, false);
                return true;
            }
            self.timer.as_mut().reset(due);
        }
        self.armed = true;
        false
    }
}
