//! `/api/v1/uploads`: tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) with the
//! extensions creation, termination and expiration.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use kinora_http::{Path, Principal, Problem, openapi::Problems};

use crate::{
    core::Core,
    error::Error,
    model::{UploadId, UploadState},
    query::view::upload_path,
    repository::uploads::UploadRow,
    upload::{
        self,
        metadata::{self, Metadata},
        sweep,
    },
};

const VERSION: &str = "1.0.0";
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const VIDEO: HeaderName = HeaderName::from_static("kinora-video");
const OFFSET_STREAM: &str = "application/offset+octet-stream";

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

/// What the server can do (tus 1.0 "OPTIONS")
#[utoipa::path(options, path = "/api/v1/uploads", tag = "uploads", responses((status = 204)))]
pub(super) async fn discover(State(core): State<Arc<Core>>) -> Response {
    let headers = [
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", "creation,termination,expiration".to_owned()),
        ("tus-max-size", core.config.max_upload_bytes.to_string()),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Create an upload (tus 1.0 "Creation")
///
/// Metadata: `video`, the id of a video that awaits its upload (else one is created), and
/// `filename`.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "uploads", security(("api_key" = [])),
    params(
        ("tus-resumable" = String, Header, example = "1.0.0"),
        ("upload-length" = u64, Header),
        ("upload-metadata" = Option<String>, Header),
    ),
    responses(
        (status = 201, headers(("location" = String), ("kinora-video" = Uuid))),
        Problems,
    )
)]
pub(super) async fn create(
    principal: Principal,
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let size = number(&headers, &LENGTH)?;
    let raw = text(&headers, &METADATA)?;
    let metadata = raw.map_or(Ok(Metadata::default()), metadata::parse)?;
    let raw = raw.map(str::to_owned);
    let upload = upload::create::create(&core, &principal.account, size, metadata, raw).await?;
    let mut response = StatusCode::CREATED.into_response();
    set(&mut response, header::LOCATION, upload_path(upload.id));
    set(&mut response, VIDEO, upload.video.to_string());
    set_expiry(&mut response, &upload);
    Ok(response)
}

/// Where an upload stands (tus 1.0 "HEAD")
#[utoipa::path(
    head, path = "/api/v1/uploads/{id}", tag = "uploads", security(("api_key" = [])),
    params(("id" = Uuid, Path), ("tus-resumable" = String, Header)),
    responses(
        (status = 200, headers(("upload-offset" = u64), ("upload-length" = u64))),
        Problems,
    )
)]
pub(super) async fn stand(
    principal: Principal,
    State(core): State<Arc<Core>>,
    Path(id): Path<UploadId>,
) -> Result<Response, Problem> {
    let mut row = upload::find(&core, &principal.account, id).await?;
    if row.state == UploadState::Active && row.received == row.size {
        // A client that is told of all bytes goes away: not before they are handed over.
        sweep::resume_finish(&core, &row).await?;
        row = upload::find(&core, &principal.account, id).await?;
    }
    let mut response = StatusCode::OK.into_response();
    set(&mut response, OFFSET, row.received.to_string());
    set(&mut response, LENGTH, row.size.to_string());
    set(&mut response, VIDEO, row.video.to_string());
    set(&mut response, header::CACHE_CONTROL, "no-store".to_owned());
    set_expiry(&mut response, &row);
    if let Some(metadata) = row.metadata {
        set(&mut response, METADATA, metadata);
    }
    Ok(response)
}

/// Continue an upload (tus 1.0 "PATCH")
#[utoipa::path(
    patch, path = "/api/v1/uploads/{id}", tag = "uploads", security(("api_key" = [])),
    params(
        ("id" = Uuid, Path),
        ("tus-resumable" = String, Header),
        ("upload-offset" = u64, Header),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, headers(("upload-offset" = u64))), Problems)
)]
pub(super) async fn append(
    principal: Principal,
    State(core): State<Arc<Core>>,
    Path(id): Path<UploadId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    patch(core, principal, id, &headers, body).await
}

/// Give an upload up (tus 1.0 "Termination")
#[utoipa::path(
    delete, path = "/api/v1/uploads/{id}", tag = "uploads", security(("api_key" = [])),
    params(("id" = Uuid, Path), ("tus-resumable" = String, Header)),
    responses((status = 204), Problems)
)]
pub(super) async fn terminate(
    principal: Principal,
    State(core): State<Arc<Core>>,
    Path(id): Path<UploadId>,
) -> Result<StatusCode, Problem> {
    upload::terminate::terminate(&core, &principal.account, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// PATCH and DELETE for clients that cannot send them (tus 1.0 "X-HTTP-Method-Override")
#[utoipa::path(
    post, path = "/api/v1/uploads/{id}", tag = "uploads", security(("api_key" = [])),
    params(
        ("id" = Uuid, Path),
        ("tus-resumable" = String, Header),
        ("x-http-method-override" = String, Header, description = "PATCH or DELETE"),
    ),
    responses((status = 204), Problems)
)]
pub(super) async fn overridden(
    principal: Principal,
    State(core): State<Arc<Core>>,
    Path(id): Path<UploadId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let method = headers.get("x-http-method-override").map(HeaderValue::as_bytes);
    match method {
        Some(b"PATCH") => patch(core, principal, id, &headers, body).await,
        Some(b"DELETE") => {
            upload::terminate::terminate(&core, &principal.account, id).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => {
            let detail = "X-HTTP-Method-Override must be PATCH or DELETE";
            Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
                .with_header(header::ALLOW, "HEAD, PATCH, DELETE"))
        }
    }
}

async fn patch(
    core: Arc<Core>,
    principal: Principal,
    id: UploadId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let content_type = text(headers, &header::CONTENT_TYPE)?.unwrap_or_default();
    if !content_type.eq_ignore_ascii_case(OFFSET_STREAM) {
        let detail = "Send 'Content-Type: application/offset+octet-stream'";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "unsupported_media_type", detail));
    }
    let offset = number(headers, &OFFSET)?;
    let announced = match headers.contains_key(header::CONTENT_LENGTH) {
        true => Some(number(headers, &header::CONTENT_LENGTH)?),
        false => None,
    };
    let receive = upload::receive::receive;
    let offset = receive(core.clone(), &principal.account, id, offset, announced, body).await?;
    let row = upload::find(&core, &principal.account, id).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set(&mut response, OFFSET, offset.to_string());
    set_expiry(&mut response, &row);
    Ok(response)
}

/// A header that is a number and nothing else: no sign, no blanks.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Error> {
    let bad = || Error::Invalid(format!("{name} must be a number of bytes"));
    let value = headers.get(name).and_then(|value| value.to_str().ok()).ok_or_else(bad)?;
    if !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    // SQL has signed numbers only.
    value.parse().ok().filter(|number| i64::try_from(*number).is_ok()).ok_or_else(bad)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Error> {
    let bad = |_| Error::Invalid(format!("{name} must be ASCII"));
    headers.get(name).map(|value| value.to_str().map_err(bad)).transpose()
}

/// When the upload goes if nothing comes any more (RFC 9110 5.6.7).
fn set_expiry(response: &mut Response, upload: &UploadRow) {
    // The date format ends with the year 9999.
    const END: Duration = Duration::from_secs(253_402_300_800);
    let at = Duration::from_micros(upload.expires_at_us.unsigned_abs());
    if upload.state == UploadState::Active && at < END {
        set(response, EXPIRES, httpdate::fmt_http_date(UNIX_EPOCH + at));
    }
}

fn set(response: &mut Response, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(name, value);
    }
}
