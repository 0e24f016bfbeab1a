//! The HTTP API: how far videos are, which jobs there are, why something waits, and whether anything
//! was lost.

mod body;
mod cancel;
mod jobs;
mod problem;
mod progress;
mod purge;
mod sweep;
#[cfg(test)]
mod tests;
mod verify;
mod why;

use std::sync::Arc;

use axum::extract::FromRef;
use kinora_http::Authenticator;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::service::Transcoding;

pub use body::{
    JobClassWord, JobCounts, JobError, JobProgressView, JobStateWord, JobView, Progress,
    ProgressReason, ProgressState, Quality, QueuePlace, Why, WhySubject,
};

#[derive(Clone)]
struct Api(Arc<Transcoding>);

impl FromRef<Api> for Authenticator {
    fn from_ref(api: &Api) -> Self {
        api.0.deps.authenticator.clone()
    }
}

pub(crate) fn router(service: Arc<Transcoding>) -> OpenApiRouter {
    routes().with_state(Api(service))
}

/// What the routes are, whoever serves them.
pub(crate) fn document() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(progress::get_progress))
        .routes(routes!(progress::get_progress_events))
        .routes(routes!(cancel::cancel_video))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(purge::purge_jobs))
        .routes(routes!(jobs::get_job))
        .routes(routes!(why::get_why))
        .routes(routes!(verify::get_verify))
        .routes(routes!(sweep::post_sweep))
}
