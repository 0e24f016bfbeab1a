//! The streams of an HTTP/2 connection: which wait for the client, and for how long.
//!
//! One that a client opens and takes nothing of would hold its slices for ever, and the kernel sees
//! nothing wrong: flow control is the client's own (RFC 9113 10.5). So bodies are handed over in
//! pieces, each of which knows when it was sent, and a connection is cut when the oldest has waited
//! too long.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use crate::{cache::Failure, http::Body, quota::Ticket};

/// Bytes that are handed over together.
const PIECE: usize = 64 << 10;

/// What is under way on a connection. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Streams(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    /// Since when each piece waits for the client, oldest first.
    waiting: BTreeMap<u64, Instant>,
    next: u64,
    /// Requests whose answer has not ended.
    open: usize,
    /// Since when there is none.
    idle_since: Instant,
}

/// How a connection ends that nobody asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// Nothing was asked for long.
    Idle,
    /// The client does not take what it asked for.
    Stalled,
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Open(Streams);

/// Something that waits for the client.
#[derive(Debug)]
struct Waiting {
    streams: Streams,
    number: u64,
}

/// A body on its way.
#[derive(Debug)]
pub(crate) struct Streamed {
    body: Body,
    /// Of a frame of the body, what was not handed over yet.
    rest: Bytes,
    /// That more may be handed over waits for the client too.
    waiting: Option<Waiting>,
    open: Open,
    _ticket: Option<Ticket>,
}

/// Bytes that were handed over.
struct Piece {
    bytes: Bytes,
    _waiting: Waiting,
}

impl Streams {
    pub(crate) fn new() -> Self {
        let (waiting, idle_since) = (BTreeMap::new(), Instant::now());
        Self(Arc::new(Mutex::new(Inner { waiting, next: 0, open: 0, idle_since })))
    }

    /// A request has arrived.
    pub(crate) fn open(&self) -> Open {
        self.inner().open += 1;
        Open(self.clone())
    }

    /// Waits until the client is overdue.
    pub(crate) async fn overdue(&self, idle: Duration, stall: Duration) -> Overdue {
        loop {
            let (due, how) = {
                let inner = self.inner();
                match inner.waiting.first_key_value() {
                    Some((_, since)) => (*since + stall, Overdue::Stalled),
                    None if inner.open == 0 => (inner.idle_since + idle, Overdue::Idle),
                    // The answer is ours to come up with.
                    None => (Instant::now() + stall, Overdue::Stalled),
                }
            };
            if due <= Instant::now() {
                return how;
            }
            // What begins to wait meanwhile may be due before that.
            sleep_until(due.min(Instant::now() + stall)).await;
        }
    }

    fn wait(&self) -> Waiting {
        let mut inner = self.inner();
        let number = inner.next;
        inner.next += 1;
        inner.waiting.insert(number, Instant::now());
        Waiting { streams: self.clone(), number }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The body of its answer.
    pub(crate) fn stream(self, body: Body, ticket: Option<Ticket>) -> Streamed {
        let waiting = Some(self.0.wait());
        Streamed { body, rest: Bytes::new(), waiting, open: self, _ticket: ticket }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut inner = self.0.inner();
        inner.open -= 1;
        inner.idle_since = Instant::now();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.streams.inner().waiting.remove(&self.number);
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl hyper::body::Body for Streamed {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        // Whoever asks for more has room for it.
        this.waiting = None;
        while this.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => this.rest = bytes,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let bytes = this.rest.split_to(this.rest.len().min(PIECE));
        let piece = Piece { bytes, _waiting: this.open.0.wait() };
        if !this.is_end_stream() {
            this.waiting = Some(this.open.0.wait());
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use hyper::body::Body as _;

    use super::*;
    use crate::http::whole;

    const IDLE: Duration = Duration::from_millis(300);
    const STALL: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn who_takes_nothing_is_overdue() {
        let streams = Streams::new();
        let began = Instant::now();
        let mut body = streams.open().stream(whole(vec![7; PIECE + 1].into()), None);
        assert_eq!(body.size_hint().exact(), Some(PIECE as u64 + 1));
        tokio::time::sleep(STALL / 2).await;
        let mut next = async || poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let first = next().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), PIECE);
        drop(first);
        let last = next().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(last.len(), 1);
        assert!(body.is_end_stream());
        drop(body);
        assert_eq!(streams.overdue(IDLE, STALL).await, Overdue::Stalled);
        assert!(began.elapsed() >= STALL / 2 + STALL, "not counted from the first");
        drop(last);
        assert_eq!(streams.overdue(IDLE, STALL).await, Overdue::Idle);
        assert!(began.elapsed() >= STALL / 2 + IDLE);
    }

    #[tokio::test]
    async fn who_waits_for_us_is_not_overdue() {
        let streams = Streams::new();
        let open = streams.open();
        let overdue = streams.overdue(IDLE, STALL);
        assert!(tokio::time::timeout(IDLE * 3, overdue).await.is_err());
        drop(open);
        assert_eq!(streams.overdue(IDLE, STALL).await, Overdue::Idle);
    }
}
