//! `POST /api/v1/jobs/purge`: dead jobs that nobody needs to hear of any more.

use axum::extract::State;
use kinora_http::{Json, Principal, Problem, Query, openapi::Problems};
use kinora_media::VideoId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use crate::{error::TranscodingError, repository::jobs, service::Transcoding};

/// Which dead jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PurgeQuery {
    /// Only those of this video.
    #[param(value_type = Option<Uuid>)]
    video: Option<VideoId>,
    /// Only those that ended at least so many seconds ago.
    older_than_s: Option<u32>,
}

/// What was purged.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Purged {
    /// How many jobs.
    jobs: u64,
    /// How many messages of the queue that could not be read: where all dead jobs were meant.
    letters: u64,
}

/// Put your dead jobs away.
///
/// They are no longer among those that failed, and keep what they ended with. Their videos stay as
/// they are, and can be tried again. Where neither a video nor an age is named, the queue's dead letters are
/// removed, too.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/purge",
    tag = "transcoding",
    params(PurgeQuery),
    responses((status = OK, body = Purged), Problems),
    security(("api_key" = []))
)]
pub(super) async fn purge_jobs(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<PurgeQuery>,
) -> Result<Json<Purged>, Problem> {
    // Letters know neither video nor age, and no account: every key is an operator's as long as there
    // is one.
    let letters = match (query.video, query.older_than_s.unwrap_or(0)) {
        (None, 0) => api.0.deps.queue.purge_dead().await.map_err(TranscodingError::from)?,
        _ => 0,
    };
    let jobs = kinora_db::retrying(|| purge(&api.0, &principal, &query)).await?;
    tracing::info!(account = %principal.account, jobs, letters, "dead jobs were put away");
    Ok(Json(Purged { jobs, letters }))
}

async fn purge(
    service: &Transcoding,
    principal: &Principal,
    query: &PurgeQuery,
) -> Result<u64, TranscodingError> {
    let age_us = i64::from(query.older_than_s.unwrap_or(0)) * 1_000_000;
    let before_us = service.now_us().saturating_sub(age_us);
    let mut tx = service.deps.db.begin_write().await?;
    let purged = jobs::purge(&mut tx, &principal.account, query.video, before_us).await?;
    tx.commit().await?;
    Ok(purged)
}
