//! Objects of the store, for origins that have this one as their upstream.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use kinora_store::{ByteRange, Key, ObjectMeta, StoreError, keys};

use super::Origin;
use crate::{
    access,
    cache::{Got, MediaFile},
    http::{Asked, Body, CacheControl, Piece, Problem, asked, content_range, empty, of, whole},
};

impl Origin {
    /// What `key` names, whole or one range of it. A segment index is read from the store each time,
    /// for its head changes and those who ask keep it; media comes from memory, in the same slices as
    /// for players, since origins ask for nothing else.
    pub(super) async fn stored<B>(
        &self,
        request: &Request<B>,
        key: Key,
    ) -> Result<Response<Body>, Problem> {
        access::check_read(&self.config.token_keys.get(), &key, request.headers())?;
        let head_only = *request.method() == Method::HEAD;
        // Keys are not kept among media.
        if keys::is_index(&key) || keys::is_secret(&key) {
            return self.stored_index(&key, head_only).await;
        }
        let meta = self.media.meta(&key).await.map_err(unreadable)?;
        let meta = meta.ok_or_else(Problem::not_found)?;
        if head_only {
            return Ok(described(&meta, empty()));
        }
        let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
        let (status, part) = match range.map_or(Asked::Whole, |range| asked(range, meta.size)) {
            Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
            // Nobody asks for several.
            Asked::Whole | Asked::Parts(_) => (StatusCode::OK, 0..meta.size),
            Asked::Unsatisfiable => return Err(Problem::unsatisfiable(meta.size)),
        };
        let length = part.end - part.start;
        let file = MediaFile::new(key, ByteRange { offset: part.start, length });
        let piece = Piece::File { file, part: 0..length };
        let read = match length {
            0 => Some((empty(), Got::Hit)),
            _ => of(Arc::clone(&self.media), vec![piece]).await.map_err(unreadable)?,
        };
        let (body, got) = read.ok_or_else(Problem::not_found)?;
        let mut response = described(&meta, body);
        response.extensions_mut().insert(got);
        if status == StatusCode::PARTIAL_CONTENT {
            *response.status_mut() = status;
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_LENGTH, length.into());
            headers.insert(header::CONTENT_RANGE, value(&content_range(&part, meta.size)));
        }
        Ok(response)
    }

    async fn stored_index(&self, key: &Key, head_only: bool) -> Result<Response<Body>, Problem> {
        if head_only {
            let found = self.store.head(key).await.map_err(unreadable)?;
            return Ok(described(&found.ok_or_else(Problem::not_found)?, empty()));
        }
        let found = self.store.get(key).await.map_err(unreadable)?;
        let (meta, body) = found.ok_or_else(Problem::not_found)?;
        Ok(described(&meta, whole(body)))
    }
}

fn described(meta: &ObjectMeta, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let modified = Duration::from_micros(u64::try_from(meta.modified_at_us).unwrap_or(0));
    let modified = httpdate::fmt_http_date(UNIX_EPOCH + modified);
    let headers = response.headers_mut();
    headers.insert(header::ETAG, value(&format!("\"{}\"", meta.etag)));
    headers.insert(header::LAST_MODIFIED, value(&modified));
    headers.insert(header::CONTENT_LENGTH, meta.size.into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Whoever asks keeps it; nobody between may, for it is not asked who they are.
    headers.insert(header::CACHE_CONTROL, CacheControl::NoStore.value());
    response
}

fn value(text: &str) -> HeaderValue {
    // The ETag is the store's own.
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn unreadable(error: impl std::borrow::Borrow<StoreError>) -> Problem {
    let error = error.borrow();
    tracing::error!(%error, "cannot read what another origin asks for");
    Problem::unavailable()
}
