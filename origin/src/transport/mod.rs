//! What bytes arrive and leave by: sockets, with TLS around them or without.
//!
//! `listener` is where clients come in, `socket` who came, `proxy` whom a proxy speaks for, `tls`
//! the certificate. Memory files reach a bare socket by `sendfile`; TLS takes the same bytes from
//! their mapping.

mod listener;
mod peer;
mod proxy;
mod socket;
mod tls;

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

pub(crate) use self::{listener::Acceptor, peer::Peer, proxy::announced, socket::Socket};
pub use self::{
    listener::{ListenAddress, Listener, listen, spread},
    proxy::Proxies,
    tls::{Tls, TlsError},
};
use crate::cache::Sealed;

/// A client's connection.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Transport {
    /// Whether TLS settled on HTTP/2 (RFC 9113 3.2).
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(tls::H2))
    }

    /// Whether memory files go out without a copy.
    pub(crate) fn sends_files(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Writes some of `slices`; `more` says that something follows at once.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        more: bool,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_send(cx, slices, more),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    /// Writes some of `length` bytes of a memory file.
    pub(crate) fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        file: &Sealed,
        offset: u64,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_send_file(cx, file, offset, length),
            Self::Tls(stream) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = file.bytes().get(start..).unwrap_or_default();
                Pin::new(stream).poll_write(cx, &rest[..length.min(rest.len())])
            }
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        };
        match ready!(read) {
            // Who hangs up without a word of TLS has hung up.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send(cx, &[IoSlice::new(bytes)], false)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send(cx, slices, false)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
