//! Sockets of either kind, and what the kernel does for us on them.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use rustix::{
    fs::sendfile,
    net::{SendAncillaryBuffer, SendFlags, send, sendmsg, sockopt::set_tcp_user_timeout},
};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};

use super::Peer;
use crate::cache::Sealed;

/// Bytes that wait in the kernel for one client, at most, besides those on their way. Of its own accord
/// it takes four megabytes from us for each: hundreds of slow clients cost others seconds then.
const UNSENT: u32 = 256 << 10;

/// A socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    /// What was read already, by who looked for a proxy's word.
    ahead: Bytes,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// The kernel cuts a client that takes nothing for `write_stall`.
    pub(crate) fn tcp(stream: TcpStream, write_stall: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let stall_ms = u32::try_from(write_stall.as_millis()).unwrap_or(u32::MAX);
        set_tcp_user_timeout(&stream, stall_ms)?;
        SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT)?;
        Ok(Self { stream: Stream::Tcp(stream), ahead: Bytes::new() })
    }

    /// Who comes this way is a proxy of ours: how long it takes is its own affair.
    pub(crate) fn unix(stream: UnixStream) -> Self {
        Self { stream: Stream::Unix(stream), ahead: Bytes::new() }
    }

    pub(crate) fn peer(&self) -> io::Result<Peer> {
        match &self.stream {
            Stream::Tcp(stream) => Ok(Peer::at(stream.peer_addr()?)),
            Stream::Unix(_) => Ok(Peer::Local),
        }
    }

    /// Gives back what was read too much.
    pub(super) fn put_back(&mut self, ahead: Bytes) {
        self.ahead = ahead;
    }

    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        more: bool,
    ) -> Poll<io::Result<usize>> {
        let more = if more { SendFlags::MORE } else { SendFlags::empty() };
        let flags = SendFlags::NOSIGNAL | more;
        let wanted = slices.iter().map(|slice| slice.len()).sum();
        self.poll(cx, wanted, || match slices {
            [only] => Ok(send(self, only, flags)?),
            _ => Ok(sendmsg(self, slices, &mut SendAncillaryBuffer::default(), flags)?),
        })
    }

    pub(super) fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &Sealed,
        mut offset: u64,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        // It may send less for other reasons than that there is no room.
        self.poll(cx, 0, || Ok(sendfile(self, file.file(), Some(&mut offset), length)?))
    }

    /// Who takes less than is `wanted` has no more room, and need not say so again.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        wanted: usize,
        mut write: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut written = 0;
            let mut write = || {
                written = write()?;
                if written < wanted { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(written) }
            };
            let tried = match &self.stream {
                Stream::Tcp(stream) => {
                    ready!(stream.poll_write_ready(cx))?;
                    stream.try_io(Interest::WRITABLE, &mut write)
                }
                Stream::Unix(stream) => {
                    ready!(stream.poll_write_ready(cx))?;
                    stream.try_io(Interest::WRITABLE, &mut write)
                }
            };
            match tried {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if written > 0 {
                        return Poll::Ready(Ok(written));
                    }
                }
                tried => return Poll::Ready(tried),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.stream {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            return Poll::Ready(Ok(()));
        }
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

/// What TLS writes by.
impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, &[IoSlice::new(bytes)], false)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, slices, false)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
