//! Answers that are kept: a plain request for one never reaches hyper, and any other for the whole
//! file gets it from there.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderName, Method, Request, Response, header};
use kinora_media::{Access, playback};

use super::Origin;
use crate::{
    access, access_log,
    cache::Got,
    hot::{self, Hot, Plain, Ready, Stretch, Whole},
    http::{Body, Coding, SERVER_TIMING, pieces, timing},
    index::Index,
    metrics::Class,
    quota::Ticket,
    transport::Peer,
};

impl Origin {
    /// The answer to a plain request, if all of it is in memory and may be given now. Its body is
    /// in `body` then.
    pub(crate) fn hot(
        &self,
        plain: &Plain<'_>,
        client: Peer,
        body: &mut VecDeque<Stretch>,
    ) -> Option<Ready> {
        // The answers of an origin that leaves say so, which these do not.
        if !plain.whole
            || plain.path.len() + plain.query.len() > self.config.limits.uri_bytes
            || self.is_leaving()
        {
            return None;
        }
        let ready = self.kept(plain.path, plain.coding, client, body)?;
        if plain.head_only {
            body.clear();
        }
        let hot = &ready.hot;
        let id = hot.index.id;
        if !plain.query.is_empty() || !plain.fields.is_empty() {
            self.config.cmcd.take(plain.query, &plain.fields, id.video, id.version);
        }
        let length = body.iter().map(|stretch| stretch.bytes().len() as u64).sum();
        self.config.metrics.answered_hot(hot.class, length);
        if access_log::is_read() {
            let method = if plain.head_only { "HEAD" } else { "GET" };
            access_log::write(client, method, plain.path, 200, length, Duration::ZERO);
        }
        Some(ready)
    }

    /// The same for any request of the whole file, whatever else it says.
    pub(super) fn again<B>(
        &self,
        request: &Request<B>,
        client: Peer,
        began: Instant,
    ) -> Option<Response<Body>> {
        let (method, headers) = (request.method(), request.headers());
        let decisive =
            |name: &HeaderName| *name == header::RANGE || name.as_str().starts_with("if-");
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        if !matches!(*method, Method::GET | Method::HEAD)
            || headers.len() > self.config.limits.headers
            || path.len() + query.len() > self.config.limits.uri_bytes
            || headers.keys().any(decisive)
        {
            return None;
        }
        let mut body = VecDeque::new();
        let ready = self.kept(path, hot::coding(path, headers), client, &mut body)?;
        if *method == Method::HEAD {
            body.clear();
        }
        let hot = &ready.hot;
        let id = hot.index.id;
        self.config.cmcd.take(query, headers, id.video, id.version);
        let length = body.iter().map(|stretch| stretch.bytes().len() as u64).sum();
        let mut response = Response::new(pieces(body.into_iter().map(Stretch::into_bytes)));
        let took = began.elapsed();
        *response.headers_mut() = hot.fields.clone();
        response.headers_mut().insert(SERVER_TIMING, timing(Some(Got::Hit), took));
        response.extensions_mut().insert(ready.ticket);
        self.config.metrics.answered_again(hot.class, length, took);
        if access_log::is_read() {
            access_log::write(client, method.as_str(), path, 200, length, took);
        }
        Some(response)
    }

    /// The answer kept under a name, if it may be given to `client` now, and its body.
    fn kept(
        &self,
        path: &str,
        coding: Coding,
        client: Peer,
        body: &mut VecDeque<Stretch>,
    ) -> Option<Ready> {
        let hot = self.answers.get(path, coding)?;
        if !self.heads.is_fresh(&hot.index) || !self.is_open(&hot, client) {
            return None;
        }
        let ticket = hot.body(&self.media, body).then(|| self.admit(&hot, client)).flatten();
        if ticket.is_none() {
            body.clear();
        }
        Some(Ready { hot, ticket: ticket? })
    }

    /// Counts an answer. Whoever is over a limit is told so by the way of all others.
    fn admit(&self, hot: &Hot, client: Peer) -> Option<Option<Ticket>> {
        let ticket = match hot.token.as_deref() {
            Some(token) => self.quotas.token(token).ok()?,
            None => None,
        };
        self.quotas.client(client).ok()?;
        Some(ticket)
    }

    /// Whether its token, if it takes one, is still good.
    fn is_open(&self, hot: &Hot, client: Peer) -> bool {
        let Some(keys) = &hot.keys else { return true };
        access::now_s() < hot.expires_s
            && hot.client.is_none_or(|at| client.ip().map(playback::network) == Some(at))
            && Arc::ptr_eq(keys, &self.config.token_keys.get())
    }

    /// Keeps what was answered whole and from memory ready for who asks next.
    pub(super) fn remember<B>(
        &self,
        request: &Request<B>,
        class: Class,
        token: Option<&str>,
        client: Peer,
        response: &mut Response<Body>,
    ) {
        let extensions = response.extensions_mut();
        let (Some(whole), Some(index)) =
            (extensions.remove::<Whole>(), extensions.remove::<Arc<Index>>())
        else {
            return;
        };
        let path = request.uri().path();
        let coding = hot::coding(path, request.headers());
        let expires_s = access::expires_s(&index, token);
        let token = token.filter(|_| index.head.access == Access::Signed).map(Box::from);
        let mut hot = Hot::new(response.headers(), whole, class, index);
        let is_bound = token.as_deref().is_some_and(playback::is_bound);
        hot.client = client.ip().filter(|_| is_bound).map(playback::network);
        hot.keys = token.is_some().then(|| self.config.token_keys.get());
        (hot.expires_s, hot.token) = (expires_s, token);
        self.answers.insert(path, coding, hot);
    }
}
