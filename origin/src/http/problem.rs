//! Errors as RFC 9457 problem details. The only place that knows which error has which status.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::{Body, CacheControl, whole};
use crate::quota::Exceeded;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    code: &'static str,
    detail: String,
    header: Option<Box<(HeaderName, HeaderValue)>>,
    cache: CacheControl,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, code, detail, header: None, cache: CacheControl::NoStore }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address")
    }

    /// Not there yet: worth asking again soon, and worth a cache's while to say so until then.
    pub(crate) fn not_published() -> Self {
        let detail = "not published yet: the video is still being encoded";
        let cache = CacheControl::Public { max_age_s: 1, immutable: false };
        Self { cache, ..Self::new(StatusCode::NOT_FOUND, "not_published", detail) }
    }

    pub(crate) fn deleted() -> Self {
        Self::new(StatusCode::GONE, "deleted", "the video was deleted")
    }

    pub(crate) fn token(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    pub(crate) fn method() -> Self {
        let allow = HeaderValue::from_static("GET, HEAD, OPTIONS");
        let detail = "media can be read only: use GET, HEAD or OPTIONS";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
            .with(header::ALLOW, allow)
    }

    pub(crate) fn post_only() -> Self {
        let detail = "licences are asked for by POST";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
            .with(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"))
    }

    pub(crate) fn license_request(limit: usize) -> Self {
        let detail = format!("not a ClearKey request for licences of at most {limit} bytes");
        Self::new(StatusCode::BAD_REQUEST, "license_request", detail)
    }

    pub(crate) fn uri_too_long(limit: usize) -> Self {
        let detail = format!("the address is longer than {limit} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "uri_too_long", detail)
    }

    pub(crate) fn too_many_fields(limit: usize) -> Self {
        let detail = format!("the request has more than {limit} header fields");
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_fields", detail)
    }

    pub(crate) fn exceeded(exceeded: Exceeded) -> Self {
        let (code, detail, again) = match exceeded {
            Exceeded::Address(again) => ("address_rate", "too many requests of one address", again),
            Exceeded::Token(again) => ("token_rate", "too many requests by one token", again),
            Exceeded::InFlight => {
                let detail = "too many answers by one token at the same time";
                ("token_streams", detail, Duration::from_secs(1))
            }
        };
        let seconds = again.as_secs() + u64::from(again.subsec_nanos() > 0);
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
            .with(header::RETRY_AFTER, seconds.into())
    }

    /// What was waited for did not come.
    pub(crate) fn late() -> Self {
        let detail = "the stream did not go on in time";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "late", detail)
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    pub(crate) fn directive(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "delivery_directive", detail)
    }

    pub(crate) fn precondition() -> Self {
        let detail = "If-Match or If-Unmodified-Since does not hold";
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
    }

    pub(crate) fn unsatisfiable(size: u64) -> Self {
        let detail = format!("the range lies outside the {size} bytes there are");
        let range = HeaderValue::from_str(&format!("bytes */{size}")).expect("digits are valid");
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail)
            .with(header::CONTENT_RANGE, range)
    }

    /// The store does not answer. Logged where it was noticed.
    pub(crate) fn unavailable() -> Self {
        let detail = "the media cannot be read at the moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// What is stored makes no sense. Logged where it was noticed.
    pub(crate) fn internal() -> Self {
        let detail = "the origin cannot make sense of what is stored";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = serde_json::json!({
            "type": format!("urn:kinora:problem:{}", self.code),
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        let mut response = Response::new(whole(Bytes::from(body.to_string())));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::CACHE_CONTROL, self.cache.value());
        headers.extend(self.header.map(|field| *field));
        response
    }
}
