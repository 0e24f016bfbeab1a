//! From a resource and a request to an answer: conditions, then ranges, then bytes.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use kinora_store::{ByteRange, Key, ObjectStore, StoreError};

use super::{
    Body, CacheControl, Problem, Validators, body,
    conditions::Verdict,
    range::{self, Asked},
};

/// Something that can be fetched, in its present state.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) content_type: &'static str,
    pub(crate) cache: CacheControl,
    pub(crate) validators: Validators,
    pub(crate) content: Content,
}

/// Where its bytes are.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    Object { key: Key, range: ByteRange },
}

impl Resource {
    /// The answer to GET or HEAD.
    pub(crate) async fn respond(
        self,
        method: &Method,
        headers: &HeaderMap,
        store: &Arc<dyn ObjectStore>,
    ) -> Result<Response<Body>, Problem> {
        match self.validators.evaluate(headers) {
            Verdict::Failed => return Err(Problem::precondition()),
            Verdict::NotModified => {
                let mut response = Response::new(body::empty());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                self.describe(response.headers_mut());
                return Ok(response);
            }
            Verdict::Proceed => {}
        }
        let size = self.content.size();
        let asked = self.asked(method, headers, size);
        let part = match &asked {
            Asked::Whole => 0..size,
            Asked::Part(part) => part.clone(),
            Asked::Unsatisfiable => return Err(Problem::unsatisfiable(size)),
        };
        let read = if *method == Method::HEAD {
            self.content.look(store).await
        } else {
            self.content.read(store, part.clone()).await
        };
        let body = match read {
            Ok(Some(body)) => body,
            // Deleted a moment ago, and the head not looked at since.
            Ok(None) => return Err(Problem::not_found()),
            Err(error) => {
                tracing::error!(%error, "cannot read an object the index names");
                return Err(Problem::unavailable());
            }
        };
        let mut response = Response::new(body);
        if let Asked::Part(part) = asked {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            let range = HeaderValue::from_str(&range).expect("digits and dashes are valid");
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
        let headers = response.headers_mut();
        self.describe(headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_LENGTH, (part.end - part.start).into());
        Ok(response)
    }

    /// Ranges are defined for GET alone (RFC 9110 14.2).
    fn asked(&self, method: &Method, headers: &HeaderMap, size: u64) -> Asked {
        match headers.get(header::RANGE).and_then(|value| value.to_str().ok()) {
            Some(value) if *method == Method::GET && self.validators.allow_range(headers) => {
                range::parse(value, size)
            }
            _ => Asked::Whole,
        }
    }

    /// What a 304 says too (RFC 9110 15.4.5).
    fn describe(&self, headers: &mut HeaderMap) {
        let modified = httpdate::fmt_http_date(self.validators.modified);
        let modified = HeaderValue::from_str(&modified).expect("a date is a valid value");
        headers.insert(header::ETAG, self.validators.etag.clone());
        headers.insert(header::LAST_MODIFIED, modified);
        headers.insert(header::CACHE_CONTROL, self.cache.value());
    }
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Object { range, .. } => range.length,
        }
    }

    async fn read(
        &self,
        store: &Arc<dyn ObjectStore>,
        part: Range<u64>,
    ) -> Result<Option<Body>, StoreError> {
        match self {
            Self::Bytes(bytes) => {
                let part = part.start as usize..part.end as usize;
                Ok(Some(body::whole(bytes.slice(part))))
            }
            Self::Object { key, range } => {
                let offset = range.offset.saturating_add(part.start);
                let range = ByteRange { offset, length: part.end - part.start };
                body::object(Arc::clone(store), key.clone(), range).await
            }
        }
    }

    /// No body, but only if there would be one.
    async fn look(&self, store: &Arc<dyn ObjectStore>) -> Result<Option<Body>, StoreError> {
        match self {
            Self::Bytes(_) => Ok(Some(body::empty())),
            Self::Object { key, .. } => Ok(store.head(key).await?.map(|_| body::empty())),
        }
    }
}
