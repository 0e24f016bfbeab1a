//! An answer on its way that hyper has no part in.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{
    HeaderValue, Response, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, Entry},
};
use hyper::body::Body as _;
use tokio::io::AsyncWrite as _;

use crate::{
    cache::Got,
    hot::{Ready, Stretch, date_line, write_head},
    http::Body,
    quota::Ticket,
    transport::Transport,
};

/// Stretches that leave by one call, with the head.
const AT_ONCE: usize = 4;
/// A body that is no longer is written behind its head: to gather both costs the kernel more.
const SHORT: usize = 4096;
/// What a connection sends of an answer that many wait for before the others have their turn: the
/// network takes no more at once from who has sent nothing yet (RFC 6928 2). If each sent all it
/// has, the last of a thousand would wait for that.
const FIRST: usize = 10 * 1460;

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
    /// Whether what is sent first is only [`FIRST`] long.
    shared: bool,
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
        // These have no body, so nothing is said of its length (RFC 9110 8.6).
        let bodiless = matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if !bodiless
            && let (Entry::Vacant(length), Some(bytes)) =
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
        self.shared = parts.extensions.get() == Some(&Got::Joined);
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
            if std::mem::take(&mut self.shared) && !self.is_done() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
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
        let most = if self.shared { FIRST } else { usize::MAX };
        for stretch in self.body.iter().take(AT_ONCE) {
            if count > 1 && stream.sends_files() && stretch.file().is_some() {
                break;
            }
            let bytes = &stretch.bytes()[std::mem::take(&mut skip)..];
            slices[count] = IoSlice::new(&bytes[..bytes.len().min(most)]);
            count += 1;
            if bytes.len() > most {
                break;
            }
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

#[cfg(test)]
mod tests {
    use futures::task::noop_waker;
    use tokio::net::UnixStream;

    use super::*;
    use crate::{http::whole, transport::Socket};

    const BODY: usize = 60_000;

    /// How many bytes each turn sends of an answer that was come by in this way.
    async fn turns(got: Got) -> Vec<usize> {
        let (ours, client) = UnixStream::pair().unwrap();
        ours.writable().await.unwrap();
        let mut stream = Transport::Plain(Socket::unix(ours));
        let mut response = Response::new(whole(vec![7; BODY].into()));
        response.extensions_mut().insert(got);
        let mut sending = Sending::default();
        sending.answer(response, false, false);
        let (waker, mut arrived, mut turns) = (noop_waker(), Vec::new(), Vec::new());
        let mut cx = Context::from_waker(&waker);
        loop {
            let ended = sending.poll(&mut stream, &mut cx).map(Result::unwrap);
            client.readable().await.unwrap();
            let before = arrived.len();
            while client.try_read_buf(&mut arrived).is_ok_and(|read| read > 0) {}
            turns.push(arrived.len() - before);
            if ended.is_ready() {
                break;
            }
        }
        let end = arrived.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(arrived[end..], [7; BODY], "whole and in order");
        turns[0] -= end;
        turns
    }

    #[tokio::test]
    async fn who_joined_others_lets_them_begin() {
        assert_eq!(turns(Got::Miss).await, [BODY]);
        assert_eq!(turns(Got::Joined).await, [FIRST, BODY - FIRST]);
    }
}
