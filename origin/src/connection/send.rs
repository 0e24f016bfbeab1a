//! Writing without copies: what lies in a memory file goes to the socket from there.

use std::{
    io::{self, IoSlice},
    task::{Context, Poll, ready},
};

use rustix::{
    fs::sendfile,
    net::{SendAncillaryBuffer, SendFlags, sendmsg},
};
use tokio::{io::Interest, net::TcpStream};

use crate::cache::{COPIED, Registry, Sealed};

/// Writes some of `slices`, those in memory files by `sendfile`.
pub(super) fn poll_send(
    stream: &TcpStream,
    registry: &Registry,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let find = |slice: &IoSlice<'_>| (slice.len() > COPIED).then(|| registry.find(slice))?;
    let mut found = None;
    let before = slices.iter().position(|slice| {
        found = find(slice);
        found.is_some()
    });
    match (before, found) {
        (Some(0), Some((sealed, offset))) => {
            poll_sendfile(stream, cx, &sealed, offset, slices[0].len())
        }
        // The rest follows at once, so that they leave in one segment.
        (Some(before), Some(_)) => poll_sendmsg(stream, cx, &slices[..before], true),
        _ => poll_sendmsg(stream, cx, slices, false),
    }
}

/// Writes some of `length` bytes of a memory file.
pub(super) fn poll_sendfile(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    sealed: &Sealed,
    mut offset: u64,
    length: usize,
) -> Poll<io::Result<usize>> {
    poll(stream, cx, || Ok(sendfile(stream, sealed.file(), Some(&mut offset), length)?))
}

/// Writes some of `slices`; `more` says that something follows at once.
pub(super) fn poll_sendmsg(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
    more: bool,
) -> Poll<io::Result<usize>> {
    let more = if more { SendFlags::MORE } else { SendFlags::empty() };
    let flags = SendFlags::NOSIGNAL | more;
    poll(stream, cx, || Ok(sendmsg(stream, slices, &mut SendAncillaryBuffer::default(), flags)?))
}

fn poll(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    mut write: impl FnMut() -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        match stream.try_io(Interest::WRITABLE, &mut write) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            written => return Poll::Ready(written),
        }
    }
}
