//! A client's connection, under hyper.
//!
//! Plain requests for media are answered here and never reach hyper. Of all others it is given the
//! heads, one at a time, each when it is done with the one before: so it is never in doubt whose turn
//! it is, and no byte of one request is taken for another's. Whoever sends a body, or nonsense, is
//! left to it for good. What it writes goes by `sendfile` where it lies in a memory file.
//!
//! A client that does not keep up is cut, by three limits: two of ours time how long a connection
//! may stay without a request and how long a head may trickle in, and the kernel how long bytes may
//! wait for a client that takes none. The last cannot be told from here: a socket becomes writable
//! only after a good part of its megabytes of buffer has left, which for a slow but steady client
//! takes long.

mod awaited;
mod deadline;
mod send;
mod sending;
mod streams;
mod turn;

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::{io::poll_read_buf, sync::CancellationToken};

use self::{awaited::Awaited, deadline::Deadline, sending::Sending, turn::Stage};
pub(crate) use self::{
    streams::{Overdue, Streams},
    turn::{Guarded, Turn},
};
use crate::{
    Timeouts,
    hot::{self, Head},
    service::Origin,
    transport::{Peer, Transport},
};

/// Room for what has arrived and was not looked at yet.
const INBOX: usize = 4096;
/// The same while a request is answered, when little can come: it may wait for long.
const BUSY_INBOX: usize = 64;

/// A socket that answers what it can.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Transport,
    client: Peer,
    origin: Arc<Origin>,
    turn: Turn,
    /// What has arrived; a request that hyper gets stays until it took all of it.
    inbox: BytesMut,
    /// Bytes of the inbox that are hyper's.
    granted: usize,
    /// Whether all that arrives is hyper's.
    resigned: bool,
    /// Whether, of a head that is, something has arrived.
    head_begun: bool,
    /// An answer that is made without hyper.
    awaited: Option<Awaited>,
    sending: Sending,
    /// Whether it ends with the answer under way.
    ending: bool,
    deadline: Deadline,
    limits: Limits,
}

#[derive(Debug)]
struct Limits {
    header: Duration,
    idle: Duration,
    head_bytes: usize,
}

/// What follows plain requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Something that hyper must answer.
    Hyper,
    /// Nothing: the client is done.
    End,
}

/// What was made of the inbox.
enum Seen {
    /// More must arrive.
    Nothing,
    /// Something was done about it.
    Progress,
}

impl Connection {
    pub(crate) fn new(
        stream: Transport,
        client: Peer,
        origin: Arc<Origin>,
        turn: Turn,
        timeouts: &Timeouts,
        head_bytes: usize,
    ) -> Self {
        let limits = Limits { header: timeouts.header, idle: timeouts.idle, head_bytes };
        Self {
            stream,
            client,
            origin,
            turn,
            inbox: BytesMut::new(),
            granted: 0,
            resigned: false,
            head_begun: false,
            awaited: None,
            sending: Sending::default(),
            ending: false,
            deadline: Deadline::new(timeouts.idle),
            limits,
        }
    }

    /// Answers plain requests for as long as hyper is not needed, and it is not time to shut down.
    pub(crate) async fn plain(&mut self, shutdown: &CancellationToken) -> io::Result<Next> {
        let mut cancelled = pin!(shutdown.cancelled());
        let mut told = false;
        poll_fn(|cx| {
            // The waker of a task stays the same, so it is handed over once.
            let over = if std::mem::replace(&mut told, true) {
                shutdown.is_cancelled()
            } else {
                cancelled.as_mut().poll(cx).is_ready()
            };
            self.ending |= over;
            self.poll_plain(cx)
        })
        .await
    }

    fn poll_plain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Next>> {
        loop {
            let answered = self.poll_answered(cx)?;
            if answered.is_pending() && self.awaited.is_some() {
                // All there is to learn is whether the client is still there.
                if self.inbox.is_empty() && ready!(self.poll_fill(cx, BUSY_INBOX))? == 0 {
                    self.awaited = None;
                    return Poll::Ready(Ok(Next::End));
                }
            }
            ready!(answered);
            if self.ending {
                return Poll::Ready(Ok(Next::End));
            }
            if self.resigned || self.granted > 0 {
                return Poll::Ready(Ok(Next::Hyper));
            }
            if let Seen::Progress = self.look() {
                continue;
            }
            let before = self.inbox.len();
            if ready!(self.poll_fill_in_time(cx))? == 0 {
                return Poll::Ready(Ok(Next::End));
            }
            if before == 0 {
                self.deadline.lift();
            }
        }
    }

    /// Waits until what is answered without hyper was sent.
    fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.sending.poll(&mut self.stream, cx))?;
            let Some(awaited) = &mut self.awaited else { return Poll::Ready(Ok(())) };
            let response = ready!(awaited.poll(cx));
            let head_only = awaited.head_only;
            self.ending |= self.origin.is_leaving();
            self.sending.answer(response, head_only, self.ending);
            self.awaited = None;
        }
    }

    /// Looks at what has arrived, while hyper is idle.
    fn look(&mut self) -> Seen {
        if self.inbox.is_empty() {
            return Seen::Nothing;
        }
        match hot::read(&self.inbox) {
            Head::Partial if self.inbox.len() < self.limits.head_bytes => return Seen::Nothing,
            Head::Plain(plain) => {
                let length = plain.length;
                if let Some(ready) = self.origin.hot(&plain, self.client, self.sending.body()) {
                    self.sending.begin(ready);
                    self.inbox.advance(length);
                } else {
                    self.awaited = Awaited::begin(plain, &self.origin, self.client);
                    match self.awaited {
                        Some(_) => self.take(length),
                        None => self.granted = length,
                    }
                }
            }
            Head::Other(length) => self.granted = length,
            Head::Partial | Head::Unreadable => self.resigned = true,
        }
        if self.granted > 0 {
            self.turn.set(Stage::Reading);
        }
        self.deadline.lift();
        Seen::Progress
    }

    /// Waits for something to arrive; none if the client is done.
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        self.inbox.reserve(room);
        poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.inbox)
    }

    /// The same, for as long as a client may take.
    fn poll_fill_in_time(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let filled = self.poll_fill(cx, INBOX);
        if filled.is_ready() {
            return filled;
        }
        let idle = self.inbox.is_empty();
        let limit = if idle { self.limits.idle } else { self.limits.header };
        match self.deadline.poll_within(cx, limit) {
            false => Poll::Pending,
            // Nothing was asked, so nothing is wrong.
            true if idle => Poll::Ready(Ok(0)),
            true => Poll::Ready(Err(too_slow())),
        }
    }

    /// Hands on what is hyper's.
    fn grant(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.granted.min(buffer.remaining());
        buffer.put_slice(&self.inbox[..length]);
        self.take(length);
        self.granted -= length;
    }

    /// Lets go of what somebody has read.
    fn take(&mut self, length: usize) {
        self.inbox.advance(length);
        if self.inbox.is_empty() {
            // Who waits for long should hold little.
            self.inbox = BytesMut::new();
        }
    }

    /// All that arrives is hyper's; only how long it takes is watched.
    fn poll_resigned(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let busy = matches!(self.turn.stage(), Stage::Answering | Stage::Flushing);
        if busy {
            self.head_begun = false;
            self.deadline.lift();
        }
        if !self.inbox.is_empty() {
            self.granted = self.inbox.len();
            self.grant(buffer);
        } else if Pin::new(&mut self.stream).poll_read(cx, buffer)?.is_pending() {
            if !busy && !self.head_begun {
                self.deadline.start(self.limits.idle);
            }
            return match self.deadline.poll_over(cx) {
                false => Poll::Pending,
                true if !self.head_begun => Poll::Ready(Ok(())),
                true => Poll::Ready(Err(too_slow())),
            };
        }
        if !busy && !std::mem::replace(&mut self.head_begun, true) {
            self.deadline.lift();
            self.deadline.start(self.limits.header);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.resigned && this.granted == 0 && this.turn.stage() != Stage::Idle {
            // It only wants to know whether the client is still there.
            if this.inbox.is_empty() && ready!(this.poll_fill(cx, BUSY_INBOX))? == 0 {
                return Poll::Ready(Ok(()));
            }
            // The end of its flush wakes us.
            return Poll::Pending;
        }
        match ready!(this.poll_plain(cx))? {
            Next::Hyper if this.resigned => return this.poll_resigned(cx, buffer),
            Next::Hyper => this.grant(buffer),
            Next::End => this.resigned = true,
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        send::poll_send(&mut this.stream, this.origin.registry(), cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper flushes when its own buffers are empty.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.turn.stage() == Stage::Flushing {
            self.turn.set(Stage::Idle);
            // It may have asked for more while it was not its turn.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    /// hyper knows nothing of what is sent from here, and may be told to end meanwhile.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_answered(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the request's head took too long")
}
