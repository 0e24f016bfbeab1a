//! From a resource and a request to an answer: conditions, then ranges, then bytes.

use std::{ops::Range, sync::Arc};

use super::{
    Body, CacheControl, Coding, Problem, Validators,
    body::{self, Piece},
    conditions::Verdict,
    multipart::{Multipart, content_range},
    range::{self, Asked},
};
use crate::{
    cache::{Failure, Got, MediaCache, MediaFile},
    hot::Whole,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

/// Something that can be fetched, in its present state.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) content_type: &'static str,
    pub(crate) cache: CacheControl,
    pub(crate) validators: Validators,
    /// The form its bytes are in; `None` if there is one only.
    pub(crate) coding: Option<Coding>,
    pub(crate) content: Content,
}

/// Where its bytes are.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    File(MediaFile),
}

impl Resource {
    /// The answer to GET or HEAD.
    pub(crate) async fn respond(
        self,
        method: &Method,
        headers: &HeaderMap,
        media: &Arc<MediaCache>,
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
        let shape = match self.asked(method, headers, size) {
            Asked::Whole => Shape::whole(&self, size),
            Asked::Part(part) => Shape::part(&self, part, size),
            Asked::Parts(parts) => Shape::parts(&self, &parts, size),
            Asked::Unsatisfiable => return Err(Problem::unsatisfiable(size)),
        };
        // Before what may be waited for, so that it is not done a thousand times when that is there.
        let mut response = Response::new(());
        *response.status_mut() = shape.status;
        let headers = response.headers_mut();
        self.describe(headers);
        let value = |text: &str| HeaderValue::from_str(text).expect("words and digits are valid");
        headers.insert(header::CONTENT_TYPE, value(&shape.content_type));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_LENGTH, shape.length.into());
        if let Some(range) = shape.content_range {
            headers.insert(header::CONTENT_RANGE, value(&range));
        }
        if let Some(token) = self.coding.and_then(Coding::token) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token));
        }
        let read = if *method == Method::HEAD {
            self.content.look(media).await
        } else {
            body::of(Arc::clone(media), shape.pieces).await
        };
        let (body, got) = match read {
            Ok(Some(found)) => found,
            // Deleted a moment ago, and the head not looked at since.
            Ok(None) => return Err(Problem::not_found()),
            Err(error) => {
                tracing::error!(%error, "cannot read an object the index names");
                return Err(Problem::unavailable());
            }
        };
        response.extensions_mut().insert(got);
        if got == Got::Hit && *method == Method::GET && shape.status == StatusCode::OK {
            response.extensions_mut().insert(match &self.content {
                Content::Bytes(bytes) => Whole::Bytes(bytes.clone()),
                Content::File(file) => Whole::File(file.clone()),
            });
        }
        Ok(response.map(|()| body))
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
        if self.coding.is_some() {
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
    }
}

/// What of a resource is sent, and what is said of that.
struct Shape {
    status: StatusCode,
    content_type: String,
    content_range: Option<String>,
    length: u64,
    pieces: Vec<Piece>,
}

impl Shape {
    fn whole(resource: &Resource, size: u64) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: resource.content_type.to_owned(),
            content_range: None,
            length: size,
            pieces: vec![resource.content.piece(0..size)],
        }
    }

    fn part(resource: &Resource, part: Range<u64>, size: u64) -> Self {
        Self {
            status: StatusCode::PARTIAL_CONTENT,
            content_range: Some(content_range(&part, size)),
            length: part.end - part.start,
            pieces: vec![resource.content.piece(part)],
            ..Self::whole(resource, size)
        }
    }

    fn parts(resource: &Resource, parts: &[Range<u64>], size: u64) -> Self {
        let boundary = format!("{:032x}", uuid::Uuid::new_v4().as_u128());
        let multipart = Multipart::new(parts, size, resource.content_type, boundary);
        let bytes: u64 = parts.iter().map(|part| part.end - part.start).sum();
        let (content_type, length) = (multipart.content_type(), bytes + multipart.overhead());
        let heads = multipart.heads.into_iter().map(Piece::Bytes);
        let contents = parts.iter().map(|part| resource.content.piece(part.clone()));
        let mut pieces: Vec<_> =
            heads.zip(contents).flat_map(|(head, part)| [head, part]).collect();
        pieces.push(Piece::Bytes(multipart.tail));
        let status = StatusCode::PARTIAL_CONTENT;
        Self { status, content_type, content_range: None, length, pieces }
    }
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(file) => file.range.length,
        }
    }

    /// `part` lies within the content.
    fn piece(&self, part: Range<u64>) -> Piece {
        match self {
            Self::Bytes(bytes) => Piece::Bytes(bytes.slice(part.start as usize..part.end as usize)),
            Self::File(file) => Piece::File { file: file.clone(), part },
        }
    }

    /// No body, but only if there would be one.
    async fn look(&self, media: &MediaCache) -> Result<Option<(Body, Got)>, Failure> {
        match self {
            Self::File(file) if media.kept(&file.slice_at(0).0).is_none() => {
                Ok(media.meta(&file.key).await?.map(|_| (body::empty(), Got::Miss)))
            }
            Self::Bytes(_) | Self::File(_) => Ok(Some((body::empty(), Got::Hit))),
        }
    }
}
