//! The headers of tus 1.0.0.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use kinora_http::Problem;

use crate::{error::Error, model::UploadState, repository::uploads::UploadRow};

pub(super) const VERSION: &str = "1.0.0";
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) const VIDEO: HeaderName = HeaderName::from_static("kinora-video");
/// The media type of a PATCH.
pub(super) const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// Refuses other versions of the protocol, and names ours on every answer.
pub(super) async fn speak_tus(request: Request, next: Next) -> Response {
    let asked = request.headers().get(RESUMABLE);
    let known = asked.is_some_and(|version| version == VERSION);
    let mut response = if known || request.method() == Method::OPTIONS {
        next.run(request).await
    } else {
        let detail = "Send 'Tus-Resumable: 1.0.0'";
        Problem::new(StatusCode::PRECONDITION_FAILED, "tus_version", detail)
            .with_header(HeaderName::from_static("tus-version"), VERSION)
            .into_response()
    };
    response.headers_mut().insert(RESUMABLE, HeaderValue::from_static(VERSION));
    response
}

/// A header that is a number and nothing else: no sign, no blanks.
pub(super) fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Error> {
    let bad = || Error::Invalid(format!("{name} must be a number of bytes"));
    let value = headers.get(name).and_then(|value| value.to_str().ok()).ok_or_else(bad)?;
    if !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    // SQL has signed numbers only.
    value.parse().ok().filter(|number| i64::try_from(*number).is_ok()).ok_or_else(bad)
}

pub(super) fn text<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, Error> {
    let bad = |_| Error::Invalid(format!("{name} must be ASCII"));
    headers.get(name).map(|value| value.to_str().map_err(bad)).transpose()
}

/// When the upload goes if nothing comes any more (RFC 9110 5.6.7).
pub(super) fn set_expiry(response: &mut Response, upload: &UploadRow) {
    // The date format ends with the year 9999.
    const END: Duration = Duration::from_secs(253_402_300_800);
    let at = Duration::from_micros(upload.expires_at_us.unsigned_abs());
    if upload.state == UploadState::Active && at < END {
        set(response, EXPIRES, httpdate::fmt_http_date(UNIX_EPOCH + at));
    }
}

pub(super) fn set(response: &mut Response, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(name, value);
    }
}
