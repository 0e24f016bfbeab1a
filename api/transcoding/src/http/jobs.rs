//! `GET /api/v1/jobs` and `GET /api/v1/jobs/{id}`.

use axum::extract::State;
use kinora_http::{
    Cursor, Json, Page, PageQuery, Path, Principal, Problem, Query, Timestamp, openapi::Problems,
};
use kinora_media::{JobId, TrackId, VideoId};
use kinora_plan::job::JobClass;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    body::{JobClassWord, JobError, JobProgressView, JobStateWord, JobView},
    problem::of_database,
};
use crate::{
    repository::{
        Job,
        jobs::{self, failure_word},
        statistics::{self, JobFilter},
    },
    service::Transcoding,
    state::JobState,
};

/// Which jobs are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobsQuery {
    /// Only those of this video.
    #[param(value_type = Option<Uuid>)]
    video: Option<VideoId>,
    /// Only those in this state.
    state: Option<JobStateWord>,
    /// Rows a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Your jobs, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    tag = "transcoding",
    params(JobsQuery),
    responses((status = OK, body = Page<JobView>), Problems),
    security(("api_key" = []))
)]
pub(super) async fn list_jobs(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<JobsQuery>,
) -> Result<Json<Page<JobView>>, Problem> {
    let (limit, before) = PageQuery { limit: query.limit, cursor: query.cursor }.parse()?;
    let filter = JobFilter { video: query.video, state: query.state.map(stored_state), before };
    let db = api.0.deps.db.read();
    let jobs =
        statistics::list(db, &principal.account, &filter, limit + 1).await.map_err(of_database)?;
    let page = Page::from_rows(jobs, limit, |job| Cursor {
        created_at_us: job.created_at_us,
        id: job.id.0,
    });
    let items = page.items.into_iter().map(|job| view(&api.0, job)).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// One of your jobs.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}",
    tag = "transcoding",
    params(("id" = Uuid, Path, description = "The job")),
    responses((status = OK, body = JobView), Problems),
    security(("api_key" = []))
)]
pub(super) async fn get_job(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<JobId>,
) -> Result<Json<JobView>, Problem> {
    let job = jobs::find(api.0.deps.db.read(), id).await.map_err(of_database)?;
    let job = job.filter(|job| job.account == principal.account);
    Ok(Json(view(&api.0, job.ok_or_else(|| Problem::not_found("job"))?)))
}

fn view(service: &Transcoding, job: Job) -> JobView {
    let progress = service.live.progress_of(&job).or(job.progress);
    JobView {
        id: job.id.0,
        video: job.video.0,
        class: class(job.class),
        track: job.track.map(TrackId::into),
        chunk: job.chunk,
        state: state(job.state),
        attempt: job.attempt,
        max_attempts: service.deps.config.max_attempts,
        not_before_at: Timestamp(job.not_before_us),
        lease_until_at: job.lease_until_us.map(Timestamp),
        worker: job.worker,
        progress: progress.map(|(done, total)| JobProgressView { done, total }),
        error: job.error.map(|error| JobError {
            kind: failure_word(error.kind),
            code: error.code,
            message: error.message,
        }),
        created_at: Timestamp(job.created_at_us),
        started_at: job.started_at_us.map(Timestamp),
        finished_at: job.finished_at_us.map(Timestamp),
    }
}

fn class(class: JobClass) -> JobClassWord {
    match class {
        JobClass::Probe => JobClassWord::Probe,
        JobClass::EncodeChunk => JobClassWord::EncodeChunk,
        JobClass::EncodeAudio => JobClassWord::EncodeAudio,
        JobClass::Analyse => JobClassWord::Analyse,
        JobClass::MakePictures => JobClassWord::MakePictures,
        JobClass::ExtractText => JobClassWord::ExtractText,
    }
}

fn state(state: JobState) -> JobStateWord {
    match state {
        JobState::Waiting => JobStateWord::Waiting,
        JobState::Dispatched => JobStateWord::Dispatched,
        JobState::Running => JobStateWord::Running,
        JobState::Done => JobStateWord::Done,
        JobState::Failed => JobStateWord::Failed,
        JobState::Cancelled => JobStateWord::Cancelled,
    }
}

fn stored_state(state: JobStateWord) -> JobState {
    match state {
        JobStateWord::Waiting => JobState::Waiting,
        JobStateWord::Dispatched => JobState::Dispatched,
        JobStateWord::Running => JobState::Running,
        JobStateWord::Done => JobState::Done,
        JobStateWord::Failed => JobState::Failed,
        JobStateWord::Cancelled => JobState::Cancelled,
    }
}
