//! `/api/v1/uploads`: tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) with the
//! extensions creation, termination, expiration and checksum.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kinora_http::{Path, Principal, Problem, Trace, openapi::Problems};
use utoipa::ToSchema;

use super::tus::{
    CHECKSUM, LENGTH, METADATA, OFFSET, OFFSET_STREAM, VERSION, VIDEO, number, set, set_expiry,
    text,
};
use crate::{
    core::Core,
    model::{UploadId, UploadState},
    query::view::upload_path,
    upload::{
        self,
        checksum::{ALGORITHMS, Checksum},
        metadata::{self, Metadata},
        receive::{Piece, receive},
        sweep,
    },
};

/// The bytes from the offset on.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "documents a body that is streamed")]
struct Octets(Vec<u8>);

/// What the server can do (tus 1.0 "OPTIONS")
#[utoipa::path( operation_id = "discover_uploads",options, path = "/api/v1/uploads", tag = "uploads", responses((status = 204)))]
pub(super) async fn discover(State(core): State<Arc<Core>>) -> Response {
    let headers = [
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", "creation,termination,expiration,checksum".to_owned()),
        ("tus-checksum-algorithm", ALGORITHMS.to_owned()),
        ("tus-max-size", core.config.max_upload_bytes.to_string()),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Create an upload (tus 1.0 "Creation")
///
/// Metadata: `video`, the id of a video that awaits its upload (else one is created),
/// `filename`, and `profile`, the name of a profile.
#[utoipa::path( operation_id = "create_upload",
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
    Trace(trace): Trace,
    State(core): State<Arc<Core>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let size = number(&headers, &LENGTH)?;
    let raw = text(&headers, &METADATA)?;
    let metadata = raw.map_or(Ok(Metadata::default()), metadata::parse)?;
    let raw = raw.map(str::to_owned);
    let upload =
        upload::create::create(&core, &principal.account, size, (metadata, raw), trace).await?;
    let mut response = StatusCode::CREATED.into_response();
    set(&mut response, header::LOCATION, upload_path(upload.id));
    set(&mut response, VIDEO, upload.video.to_string());
    set_expiry(&mut response, &upload);
    Ok(response)
}

/// Where an upload stands (tus 1.0 "HEAD")
#[utoipa::path( operation_id = "get_upload_offset",
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
        upload::detached(&core, sweep::resume_finish(core.clone(), id)).await?;
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
#[utoipa::path( operation_id = "append_to_upload",
    patch, path = "/api/v1/uploads/{id}", tag = "uploads", security(("api_key" = [])),
    params(
        ("id" = Uuid, Path),
        ("tus-resumable" = String, Header),
        ("upload-offset" = u64, Header),
        ("upload-checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a space, base64"),
    ),
    request_body(content = Octets, content_type = "application/offset+octet-stream"),
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
#[utoipa::path( operation_id = "terminate_upload",
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
#[utoipa::path( operation_id = "override_upload_method",
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
    let checksum = text(headers, &CHECKSUM)?.map(Checksum::parse).transpose()?;
    let piece = Piece { offset, announced, checksum };
    let offset = receive(core.clone(), &principal.account, id, piece, body).await?;
    let row = upload::find(&core, &principal.account, id).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set(&mut response, OFFSET, offset.to_string());
    set_expiry(&mut response, &row);
    Ok(response)
}
