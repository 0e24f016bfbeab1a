//! `/api/v1/playback`.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use kinora_http::{Json, Path, Problem, Query, Viewer, openapi::Problems};
use kinora_media::VideoId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    core::Core,
    query::{self, view::Playback},
};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what the viewer extractor reads")]
struct Token {
    /// A playback token, for a private video without an API key.
    token: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct For {
    /// The address of the client that will play it: then the addresses of a private video open to that
    /// client alone (of IPv6 to its network of 64 bits). For its owner.
    #[param(value_type = Option<String>, example = "203.0.113.7")]
    client: Option<IpAddr>,
}

/// How to watch a video
///
/// For its owner, whoever has a playback token, and on a public video everybody.
#[utoipa::path( operation_id = "get_playback",
    get, path = "/api/v1/playback/{video}", tag = "playback",
    security((), ("api_key" = [])),
    params(("video" = Uuid, Path), Token, For),
    responses((status = 200, body = Playback), Problems)
)]
pub(super) async fn get(
    viewer: Viewer,
    State(core): State<Arc<Core>>,
    Path(video): Path<VideoId>,
    Query(For { client }): Query<For>,
) -> Result<Response, Problem> {
    let playback = query::playback::get(&core, &viewer, video, client).await?;
    // Tokens are in it.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(playback)).into_response())
}
