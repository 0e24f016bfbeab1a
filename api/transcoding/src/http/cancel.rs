//! `POST /api/v1/videos/{id}/cancel`: nobody wants the encode any more.

use axum::{extract::State, http::StatusCode};
use kinora_http::{Path, Principal, Problem, openapi::Problems};
use kinora_media::VideoId;

use super::{Api, problem::of_database};
use crate::{
    error::TranscodingError,
    orchestrator::ending,
    repository::{Reason, Transcode, transcodes},
    service::Transcoding,
};

/// Cancel an encode that is under way.
///
/// Its jobs stop within seconds and the video fails with the reason `cancelled`; what could be
/// played of it goes. The source stays, so that it can be tried again.
#[utoipa::path(
    post,
    path = "/api/v1/videos/{id}/cancel",
    tag = "transcoding",
    params(("id" = Uuid, Path, description = "The video")),
    responses((status = NO_CONTENT), Problems),
    security(("api_key" = []))
)]
pub(super) async fn cancel_video(
    State(api): State<Api>,
    principal: Principal,
    Path(video): Path<VideoId>,
) -> Result<StatusCode, Problem> {
    let transcode = transcodes::latest(api.0.deps.db.read(), video).await.map_err(of_database)?;
    let transcode = transcode.filter(|transcode| transcode.account == principal.account);
    let transcode = transcode.ok_or_else(|| Problem::not_found("video"))?;
    if !kinora_db::retrying(|| cancel(&api.0, &transcode)).await? {
        let detail = "Its encode is over; delete the video instead";
        return Err(Problem::conflict("not_encoding", detail));
    }
    ending::ended(&api.0, video).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether it had not ended before.
async fn cancel(service: &Transcoding, transcode: &Transcode) -> Result<bool, TranscodingError> {
    let reason = Reason {
        code: "cancelled".into(),
        message: "Its encode was cancelled; `kinora videos retry` takes it up again.".into(),
    };
    let mut tx = service.deps.db.begin_write().await?;
    let ended = ending::fail(&mut tx, transcode, &reason, service.now_us()).await?;
    tx.commit().await?;
    Ok(ended)
}
