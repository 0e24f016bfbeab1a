//! An answer on its way that hyper has no part in.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{
    HeaderValue, Response,
    header::{CONNECTION, CONTENT_LENGTH, Entry},
};
use hyper::body::Body as _;
use tokio::io::AsyncWrite as _;

use crate::{
    hot::{Ready, Stretch, date_line, write_head},
    http::Body,
    quota::Ticket,
    transport::Transport,
};

/// Stretches that leave by one call, with the head.
const AT_ONCE: usize = 4;
/// A body that is no longer is written behind its head: to gather both costs the kernel more.
const SHORT: usize = 4096;

/// What is still to be sent. Its buffers are used again for the next.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// With a short body behind it.
    head: Vec<u8>,
    head_sent: usize,
    body: VecDeque<Stretch>,
    /// Of the first stretch.
    body_sent: usize,
    /// What comes after, as it comes.
    rest: Option<Body>,
    ticket: Option<Ticket>,
}

impl Sending {
    /// Where the next answer's body goes; all of the one before was sent.
    pub(super) fn body(&mut self) -> &mut VecDeque<Stretch> {
        &mut self.body
    }

    /// Begins with an answer whose body is there.
    pub(super) fn begin(&mut self, ready: Ready) {
        self.head.clear();
        self.head.extend_from_slice(&ready.hot.head);
        self.head.extend_from_slice(&date_line());
        (self.head_sent, self.body_sent) = (0, 0);
        if let [only] = self.body.make_contiguous()
            && only.bytes().len() <= SHORT
        {
            self.head.extend_from_slice(only.bytes());
            self.body.clear();
        }
        self.ticket = ready.ticket;
    }

    /// Begins with an answer that was made for one client; if it is `last` it says so.
    pub(super) fn answer(&mut self, response: Response<Body>, head_only: bool, last: bool) {
        let (mut parts, body) = response.into_parts();
        let fields = &mut parts.headers;
        if let (Entry::Vacant(length), Some(bytes)) =
            (fields.entry(CONTENT_LENGTH), body.size_hint().exact())
        {
            length.insert(bytes.into());
        }
        if last {
            fields.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.head.clear();
        write_head(&mut self.head, parts.status, fields);
        self.head.extend_from_slice(&date_line());
        (self.head_sent, self.body_sent) = (0, 0);
        self.rest = (!head_only).then_some(body);
        self.ticket = parts.extensions.remove::<Option<Ticket>>().flatten();
    }

    pub(super) fn is_done(&self) -> bool {
        self.head_sent == self.head.len() && self.body.is_empty() && self.rest.is_none()
    }

    /// Waits for some of the body, if there is none.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.rest.as_mut().filter(|_| self.body.is_empty()) {
            match ready!(Pin::new(rest).poll_frame(cx)) {
                None => self.rest = None,
                Some(Ok(frame)) => {
                    let bytes = frame.into_data().unwrap_or_default();
                    self.body.extend((!bytes.is_empty()).then_some(Stretch::Bytes(bytes)));
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "cut an answer short");
                    return Poll::Ready(Err(io::Error::other(error)));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends until all is sent.
    pub(super) fn poll(
        &mut self,
        stream: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_done() && self.head.is_empty() {
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(self.poll_body(cx))?;
            if self.is_done() {
                break;
            }
            let sent = ready!(self.poll_some(stream, cx))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(sent);
        }
        ready!(Pin::new(stream).poll_flush(cx))?;
        self.head.clear();
        self.head_sent = 0;
        self.ticket = None;
        Poll::Ready(Ok(()))
    }

    fn poll_some(&self, stream: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let head = &self.head[self.head_sent..];
        if let Some(stretch) = self.body.front()
            && let Some(file) = stretch.file().filter(|_| stream.sends_files())
        {
            let rest = stretch.bytes().len() - self.body_sent;
            return match head {
                [] => stream.poll_send_file(cx, file, self.body_sent as u64, rest),
                // The body follows at once, so that they leave in one segment.
                head => stream.poll_send(cx, &[IoSlice::new(head)], true),
            };
        }
        if self.body.is_empty() {
            return stream.poll_send(cx, &[IoSlice::new(head)], false);
        }
        let mut slices = [IoSlice::new(&[]); 1 + AT_ONCE];
        slices[0] = IoSlice::new(head);
        let (mut count, mut skip) = (1, self.body_sent);
        for stretch in self.body.iter().take(AT_ONCE) {
            if count > 1 && stream.sends_files() && stretch.file().is_some() {
                break;
            }
            slices[count] = IoSlice::new(&stretch.bytes()[std::mem::take(&mut skip)..]);
            count += 1;
        }
        stream.poll_send(cx, &slices[..count], false)
    }

    fn advance(&mut self, sent: usize) {
        let of_head = sent.min(self.head.len() - self.head_sent);
        self.head_sent += of_head;
        self.body_sent += sent - of_head;
        while self.body.front().is_some_and(|stretch| stretch.bytes().len() <= self.body_sent) {
            // What is short of its end stays, so none is passed over unsent.
            self.body_sent -= self.body.pop_front().map_or(0, |stretch| stretch.bytes().len());
        }
    }
}
