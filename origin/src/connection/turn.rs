//! Whose turn it is on a connection: hyper's, from the head of a request it was given to the last
//! byte of the answer, or ours.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::{cache::Failure, http::Body, quota::Ticket};

/// Shared by the connection and the service that answers on it, which are one task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn(Arc<AtomicU8>);

/// What hyper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// Nothing: it waits for a request.
    Idle,
    /// It reads a head.
    Reading,
    /// A request is being answered.
    Answering,
    /// The answer was handed over to it, and some of it may wait to be written.
    Flushing,
}

/// Ends the answering when it goes.
#[derive(Debug)]
pub(crate) struct Answering(Turn);

/// A body whose request is being answered until the last of it is handed over.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) body: Body,
    pub(crate) _answering: Answering,
    pub(crate) _ticket: Option<Ticket>,
}

impl Turn {
    /// A request's head has arrived.
    pub(crate) fn answer(&self) -> Answering {
        self.set(Stage::Answering);
        Answering(self.clone())
    }

    pub(super) fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    pub(super) fn stage(&self) -> Stage {
        match self.0.load(Ordering::Relaxed) {
            0 => Stage::Idle,
            1 => Stage::Reading,
            2 => Stage::Answering,
            _ => Stage::Flushing,
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.set(Stage::Flushing);
    }
}

impl hyper::body::Body for Guarded {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
