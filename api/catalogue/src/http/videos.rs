//! `/api/v1/videos`.

use std::sync::Arc;

use axum::{
    extract::State as Held,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use kinora_http::{
    Json, Page, PageQuery, Path, Principal, Problem, Query, Trace, openapi::Problems,
};
use kinora_media::{Priority, VideoId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    command::{
        create_video::{self, Description},
        delete_video, retry_video,
    },
    core::Core,
    model::{State, Visibility},
    query::{self, view::Video},
};

/// A video to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateVideo {
    /// 1 to 200 characters on one line; the file's name where absent.
    title: Option<String>,
    /// Private where absent.
    #[serde(default)]
    visibility: Visibility,
    /// The file's name, for people.
    file_name: Option<String>,
    /// A profile's name; the server's default where absent.
    profile: Option<String>,
    /// `interactive` where absent; `bulk` lets what people wait for go first.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "bulk")]
    priority: Priority,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListVideos {
    /// Rows a page, 1 to 100; 20 where absent.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only videos in this state.
    state: Option<State>,
}

/// Create a video
///
/// It awaits its upload; captions may be added until that is finished.
#[utoipa::path( operation_id = "create_video",
    post, path = "/api/v1/videos", tag = "videos", security(("api_key" = [])),
    request_body = CreateVideo,
    responses((status = 201, body = Video, headers(("location" = String))), Problems)
)]
pub(super) async fn create(
    principal: Principal,
    Trace(trace): Trace,
    Held(core): Held<Arc<Core>>,
    Json(body): Json<CreateVideo>,
) -> Result<Response, Problem> {
    let CreateVideo { title, visibility, file_name, profile, priority } = body;
    let description = Description { title, visibility, file_name, profile, priority, trace };
    let id = create_video::create(&core, &principal.account, description).await?;
    let video = query::video::get(&core, &principal.account, id).await?;
    let location = [(header::LOCATION, format!("/api/v1/videos/{id}"))];
    Ok((StatusCode::CREATED, location, Json(video)).into_response())
}

/// List videos, newest first
#[utoipa::path( operation_id = "list_videos",
    get, path = "/api/v1/videos", tag = "videos", security(("api_key" = [])),
    params(ListVideos),
    responses((status = 200, body = Page<Video>), Problems)
)]
pub(super) async fn list(
    principal: Principal,
    Held(core): Held<Arc<Core>>,
    Query(query): Query<ListVideos>,
) -> Result<Json<Page<Video>>, Problem> {
    let ListVideos { limit, cursor, state } = query;
    let (limit, cursor) = PageQuery { limit, cursor }.parse()?;
    Ok(Json(query::list::list(&core, &principal.account, state, limit, cursor).await?))
}

/// Read a video
#[utoipa::path( operation_id = "get_video",
    get, path = "/api/v1/videos/{id}", tag = "videos", security(("api_key" = [])),
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Video), Problems)
)]
pub(super) async fn get(
    principal: Principal,
    Held(core): Held<Arc<Core>>,
    Path(id): Path<VideoId>,
) -> Result<Json<Video>, Problem> {
    Ok(Json(query::video::get(&core, &principal.account, id).await?))
}

/// Try a failed video again
///
/// Its stored source is encoded once more, as a new version.
#[utoipa::path( operation_id = "retry_video",
    post, path = "/api/v1/videos/{id}/retry", tag = "videos", security(("api_key" = [])),
    params(("id" = Uuid, Path)),
    responses((status = 202, body = Video), Problems)
)]
pub(super) async fn retry(
    principal: Principal,
    Trace(trace): Trace,
    Held(core): Held<Arc<Core>>,
    Path(id): Path<VideoId>,
) -> Result<(StatusCode, Json<Video>), Problem> {
    retry_video::retry(&core, &principal.account, id, trace).await?;
    let video = query::video::get(&core, &principal.account, id).await?;
    Ok((StatusCode::ACCEPTED, Json(video)))
}

/// Delete a video
///
/// Work under way is cancelled and everything stored is removed. Deleting it again is no error.
#[utoipa::path( operation_id = "delete_video",
    delete, path = "/api/v1/videos/{id}", tag = "videos", security(("api_key" = [])),
    params(("id" = Uuid, Path)),
    responses((status = 204), Problems)
)]
pub(super) async fn delete(
    principal: Principal,
    Trace(trace): Trace,
    Held(core): Held<Arc<Core>>,
    Path(id): Path<VideoId>,
) -> Result<StatusCode, Problem> {
    delete_video::delete(&core, &principal.account, id, trace).await?;
    Ok(StatusCode::NO_CONTENT)
}
