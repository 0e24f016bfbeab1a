//! `/api/v1/videos/{id}/captions`.

use std::sync::Arc;

use axum::{
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use kinora_http::{Json, Path, Principal, Problem, Query, openapi::Problems};
use kinora_media::VideoId;
use kinora_packager::text::TextFormat;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{captions, command::text, core::Core};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PutCaptions {
    /// What a player's menu shows, 1 to 100 characters; the language tag where absent.
    name: Option<String>,
}

/// Captions as they were stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoredCaptions {
    /// BCP 47, lower case.
    language: String,
    /// What a player's menu shows.
    name: String,
    /// How many cues it holds.
    cues: u64,
}

/// Add or replace captions
///
/// WebVTT (`text/vtt`) or SubRip (`application/x-subrip`), UTF-8, at most 5 MiB; before the
/// upload of the video is finished.
#[utoipa::path( operation_id = "put_captions",
    put, path = "/api/v1/videos/{id}/captions/{language}", tag = "videos",
    security(("api_key" = [])),
    params(("id" = Uuid, Path), ("language" = String, Path, description = "BCP 47"), PutCaptions),
    request_body(content(
        (String = "text/vtt"),
        (String = "application/x-subrip"),
    )),
    responses(
        (status = 201, body = StoredCaptions),
        (status = 200, body = StoredCaptions, description = "Replaced"),
        Problems,
    )
)]
pub(super) async fn put(
    principal: Principal,
    State(core): State<Arc<Core>>,
    Path((id, language)): Path<(VideoId, String)>,
    Query(query): Query<PutCaptions>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let language = captions::language(&language)?;
    let name = text::captions_name(query.name.as_deref().unwrap_or(language.as_str()))?;
    let format = format(&headers)?;
    let stored =
        captions::put(&core, &principal.account, id, language, name, format, body?).await?;
    let status = if stored.new { StatusCode::CREATED } else { StatusCode::OK };
    let body = StoredCaptions {
        language: stored.captions.language.into(),
        name: stored.captions.name,
        cues: stored.captions.cues,
    };
    Ok((status, Json(body)).into_response())
}

fn format(headers: &HeaderMap) -> Result<TextFormat, Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("text/vtt") {
        Ok(TextFormat::WebVtt)
    } else if essence.eq_ignore_ascii_case("application/x-subrip") {
        Ok(TextFormat::SubRip)
    } else {
        let detail = "Send 'Content-Type: text/vtt' or 'application/x-subrip'";
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
    }
}
