//! `/api/v1/playback`.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use kinora_http::{Json, Path, Problem, Viewer, openapi::Problems};
use kinora_media::VideoId;
use utoipa::IntoParams;

use crate::{core::Core, query, query::view::Playback};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what the viewer extractor reads")]
struct Token {
    /// A playback token, for a private video without an API key.
    token: Option<String>,
}

/// How to watch a video
///
/// For its owner, whoever has a playback token, and on a public video everybody.
#[utoipa::path( operation_id = "get_playback",
    get, path = "/api/v1/playback/{video}", tag = "playback",
    security((), ("api_key" = [])),
    params(("video" = Uuid, Path), Token),
    responses((status = 200, body = Playback), Problems)
)]
pub(super) async fn get(
    viewer: Viewer,
    State(core): State<Arc<Core>>,
    Path(video): Path<VideoId>,
) -> Result<Response, Problem> {
    let playback = query::playback::get(&core, &viewer, video).await?;
    // Tokens are in it.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(playback)).into_response())
}
