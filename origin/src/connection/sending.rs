//! A hot answer on its way.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite as _;

use crate::{
    cache::{COPIED, Sealed},
    hot::{Ready, Stretch, date_line},
    quota::Ticket,
    transport::Transport,
};

/// What is still to be sent. Its buffer is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Sending {
    head: Vec<u8>,
    head_sent: usize,
    body: VecDeque<Stretch>,
    /// Of the first stretch.
    body_sent: usize,
    ticket: Option<Ticket>,
}

impl Sending {
    /// Begins with an answer; all of the one before was sent.
    pub(super) fn begin(&mut self, ready: Ready) {
        self.head.clear();
        self.head.extend_from_slice(&ready.hot.head);
        self.head.extend_from_slice(&date_line());
        (self.head_sent, self.body, self.body_sent) = (0, ready.body.into(), 0);
        self.ticket = ready.ticket;
    }

    pub(super) fn is_done(&self) -> bool {
        self.head_sent == self.head.len() && self.body.is_empty()
    }

    /// Sends until all is sent.
    pub(super) fn poll(
        &mut self,
        stream: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_done() {
            let sent = ready!(self.poll_some(stream, cx))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(sent);
        }
        ready!(Pin::new(stream).poll_flush(cx))?;
        self.ticket = None;
        Poll::Ready(Ok(()))
    }

    fn poll_some(&self, stream: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let head = &self.head[self.head_sent..];
        let Some(stretch) = self.body.front() else {
            return stream.poll_send(cx, &[IoSlice::new(head)], false);
        };
        let body = &stretch.bytes()[self.body_sent..];
        match sealed(stretch).filter(|_| stream.sends_files()) {
            Some(file) if head.is_empty() => {
                stream.poll_send_file(cx, file, self.body_sent as u64, body.len())
            }
            // The body follows at once, so that they leave in one segment.
            Some(_) => stream.poll_send(cx, &[IoSlice::new(head)], true),
            None => stream.poll_send(cx, &[IoSlice::new(head), IoSlice::new(body)], false),
        }
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

fn sealed(stretch: &Stretch) -> Option<&Sealed> {
    match stretch {
        Stretch::Slice(slice) if slice.bytes().len() > COPIED => slice.sealed(),
        _ => None,
    }
}
