//! An answer that is made without hyper: for who waits for live media or for what is not in memory,
//! of whom there may be thousands, and for who asks for a part or sets conditions. hyper would keep
//! its buffers for each of them, and take its time.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{Method, Request, Response, header::ACCEPT_ENCODING};

use crate::{hot::Plain, http::Body, service::Origin, transport::Peer};

/// An answer that is being made.
pub(super) struct Awaited {
    answer: Pin<Box<dyn Future<Output = Response<Body>> + Send>>,
    pub(super) head_only: bool,
}

impl Awaited {
    /// To a plain request for media, live or not; `None` to any other.
    pub(super) fn begin(plain: Plain<'_>, origin: &Arc<Origin>, client: Peer) -> Option<Self> {
        let is_media = ["/live/", "/media/"].iter().any(|root| plain.path.starts_with(root));
        if !is_media || origin.is_leaving() {
            return None;
        }
        let method = if plain.head_only { Method::HEAD } else { Method::GET };
        let mut request = Request::builder().method(method).uri(match plain.query {
            "" => plain.path.to_owned(),
            query => format!("{}?{query}", plain.path),
        });
        if let Some(fields) = request.headers_mut() {
            *fields = plain.fields;
        }
        // Of all that was accepted, this is what is sent.
        if let Some(token) = plain.coding.token() {
            request = request.header(ACCEPT_ENCODING, token);
        }
        let request = request.body(()).ok()?;
        let (origin, began) = (Arc::clone(origin), Instant::now());
        let answer = Box::pin(async move { origin.answer_anew(&request, client, began).await });
        Some(Self { answer, head_only: plain.head_only })
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        self.answer.as_mut().poll(cx)
    }
}

impl fmt::Debug for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Awaited").field("head_only", &self.head_only).finish_non_exhaustive()
    }
}
