//! A client's connection, cut when the client does not keep up.
//!
//! hyper times how long a connection may stay without a request. Here are the two it does not
//! time: a head that trickles in, and a client that takes nothing of what waits for it.

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

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

use crate::Timeouts;

/// A stream with deadlines.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    busy: Busy,
    /// Runs from the first byte of a head.
    head: Deadline,
    /// Runs while bytes wait to leave.
    write: Deadline,
}

/// Whether a request is being answered; shared with the service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Busy(Arc<AtomicBool>);

/// Ends being busy when it goes.
#[derive(Debug)]
pub(crate) struct BusyGuard(Busy);

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

impl<S> Connection<S> {
    pub(crate) fn new(stream: S, busy: Busy, timeouts: &Timeouts) -> Self {
        let (head, write) = (Deadline::new(timeouts.header), Deadline::new(timeouts.write_stall));
        Self { stream, busy, head, write }
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
        let this = &mut *self;
        this.write.watch(cx, |cx| Pin::new(&mut this.stream).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.write.watch(cx, |cx| Pin::new(&mut this.stream).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.write.watch(cx, |cx| Pin::new(&mut this.stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.write.watch(cx, |cx| Pin::new(&mut this.stream).poll_shutdown(cx))
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
    fn poll_over<T>(&mut self, cx: &mut Context<'_>, what: &str) -> Poll<io::Result<T>> {
        let Some(running) = &mut self.running else { return Poll::Pending };
        ready!(running.as_mut().poll(cx));
        self.stop();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)))
    }

    /// Runs while `work` is pending.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        work: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match work(cx) {
            Poll::Pending => {
                self.start();
                self.poll_over(cx, "the client took nothing for too long")
            }
            done => {
                self.stop();
                done
            }
        }
    }
}
