//! A client's connection, cut when the client does not keep up.
//!
//! Three limits: hyper times how long a connection may stay without a request, this wrapper how
//! long a head may trickle in, and the kernel how long bytes may wait for a client that takes
//! none. The last cannot be told from here: a socket becomes writable only after a good part of
//! its megabytes of buffer has left, which for a slow but steady client takes long.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

use crate::{Timeouts, cache::Failure, http::Body};

/// A stream with a deadline.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    busy: Busy,
    /// Runs from the first byte of a head to its last.
    head: Deadline,
}

/// Whether a request is being answered; shared with the service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Busy(Arc<AtomicBool>);

/// Ends being busy when it goes.
#[derive(Debug)]
pub(crate) struct BusyGuard(Busy);

/// A body whose connection is busy until the last of it is handed over.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) body: Body,
    pub(crate) _busy: BusyGuard,
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

impl Busy {
    /// A request's head has arrived.
    pub(crate) fn begin(&self) -> BusyGuard {
        self.0.store(true, Ordering::Relaxed);
        BusyGuard(self.clone())
    }

    fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

impl Connection<TcpStream> {
    pub(crate) fn new(stream: TcpStream, busy: Busy, timeouts: &Timeouts) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let stall_ms = u32::try_from(timeouts.write_stall.as_millis()).unwrap_or(u32::MAX);
        set_tcp_user_timeout(&stream, stall_ms)?;
        Ok(Self { stream, busy, head: Deadline::new(timeouts.header) })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.busy.is() {
            this.head.stop();
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if !this.busy.is() && buffer.filled().len() > before {
            this.head.start();
        }
        match read {
            Poll::Pending => this.head.poll_over(cx, "the request's head took too long"),
            ready => ready,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A time limit that may be running.
#[derive(Debug)]
struct Deadline {
    limit: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn new(limit: Duration) -> Self {
        Self { limit, running: None }
    }

    /// Begins, unless it has begun.
    fn start(&mut self) {
        let end = Instant::now() + self.limit;
        self.running.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
    }

    fn stop(&mut self) {
        self.running = None;
    }

    /// Ready with an error once it is over.
    fn poll_over(&mut self, cx: &mut Context<'_>, what: &str) -> Poll<io::Result<()>> {
        let Some(running) = &mut self.running else { return Poll::Pending };
        ready!(running.as_mut().poll(cx));
        self.stop();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)))
    }
}
