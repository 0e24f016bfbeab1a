//! `GET /api/v1/why/{id}`: why a video or a job is where it is.

use axum::extract::State;
use kinora_http::{Json, Path, Principal, Problem, openapi::Problems};
use kinora_media::{JobId, VideoId};
use kinora_plan::{device::EncoderFamily, encoder::WAITING_FOR_DISK, job::JobClass};

use super::{
    Api,
    body::{Quality, Why, WhySubject},
    problem::of_database,
};
use crate::{
    error::TranscodingError,
    orchestrator::{dispatch, setback::clock_face},
    progress::view,
    repository::{Job, Transcode, ahead, backlog, jobs, statistics, transcodes},
    service::Transcoding,
    state::{JobState, VideoState},
};

/// Why a video or a job is where it is, in sentences, the most important first.
#[utoipa::path(
    get,
    path = "/api/v1/why/{id}",
    tag = "transcoding",
    params(("id" = Uuid, Path, description = "A video or a job")),
    responses((status = OK, body = Why), Problems),
    security(("api_key" = []))
)]
pub(super) async fn get_why(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<VideoId>,
) -> Result<Json<Why>, Problem> {
    let (service, db) = (&api.0, api.0.deps.db.read());
    let transcode = transcodes::latest(db, id).await.map_err(of_database)?;
    if let Some(transcode) = transcode.filter(|t| t.account == principal.account) {
        return Ok(Json(of_video(service, &transcode).await?));
    }
    let job = jobs::find(db, JobId(id.0)).await.map_err(of_database)?;
    let job = job.filter(|job| job.account == principal.account);
    let job = job.ok_or_else(|| Problem::not_found("video or job"))?;
    Ok(Json(Why {
        subject: WhySubject::Job,
        id: id.0,
        state: job.state.as_str(),
        because: of_job(service, &job).await?,
    }))
}

async fn of_video(service: &Transcoding, transcode: &Transcode) -> Result<Why, TranscodingError> {
    let progress = view::progress(service, transcode).await?;
    let mut because = Vec::new();
    match transcode.state {
        VideoState::Queued | VideoState::Encoding => {
            let counts = &progress.jobs;
            if transcode.state == VideoState::Encoding {
                because.push(format!(
                    "{} of {} jobs are done, {} running, {} waiting.",
                    counts.done, counts.total, counts.running, counts.waiting
                ));
            }
            because.extend(playability(transcode));
            let encode = (transcode.video, transcode.version);
            let open = statistics::first_open(service.deps.db.read(), encode).await?;
            if let Some(job) = open {
                because.push(format!("Next is {}.", what(&job)));
                because.extend(of_job(service, &job).await?);
            } else {
                because.push("All is encoded; the last segments are being published.".into());
            }
        }
        VideoState::Ready => because.push("It is encoded and published.".into()),
        VideoState::Failed => {
            because.extend(transcode.reason.as_ref().map(|reason| reason.message.clone()));
        }
        VideoState::Cancelled => because.push("The video was deleted.".into()),
    }
    because.extend(progress.quality.as_ref().map(quality));
    because.extend(progress.warnings);
    let state = transcode.state.as_str();
    Ok(Why { subject: WhySubject::Video, id: transcode.video.0, state, because })
}

/// What the quality target came to.
fn quality(quality: &Quality) -> String {
    let rungs = match quality.left_out.len() {
        0 => String::new(),
        1 => format!(" and does without the rung {}", quality.left_out[0]),
        _ => format!(" and does without the rungs {}", quality.left_out.join(", ")),
    };
    let about = if quality.produced { "" } else { "about " };
    format!(
        "By {} samples its picture takes {about}{} % fewer bits than the profile's fixed quality \
         would{rungs}.",
        quality.samples, quality.saved_percent
    )
}

fn playability(transcode: &Transcode) -> Option<String> {
    let front = clock_face(transcode.front_us);
    match (transcode.playable_at_us, transcode.plays_through_at_us, transcode.planned_at_us) {
        (_, Some(_), _) => Some(format!("It plays from the beginning; {front} are published.")),
        (Some(_), None, _) => Some(format!(
            "It plays, but whoever starts now may have to wait: {front} are published."
        )),
        (None, None, Some(_)) => {
            Some("It is not playable before two segments of every track are encoded.".into())
        }
        (None, None, None) => None,
    }
}

/// Whether the last worker that had it sent it back for want of room.
fn waits_for_disk(job: &Job) -> bool {
    job.error.as_ref().is_some_and(|error| error.code == WAITING_FOR_DISK)
}

/// A job in words.
fn what(job: &Job) -> String {
    match job.class {
        JobClass::MakePictures => return "the poster and the storyboard".to_owned(),
        JobClass::ExtractText => return "the subtitles in the file".to_owned(),
        _ => {}
    }
    match (&job.track, job.chunk) {
        (Some(track), _) => format!("the soundtrack {track}"),
        (None, Some(_)) => {
            format!("the picture from {} on", clock_face(job.position_us.unsigned_abs()))
        }
        (None, None) if job.class == JobClass::Analyse => {
            "the analysis of samples, which decides how many bits the picture gets".to_owned()
        }
        (None, None) => "the examination of the file".to_owned(),
    }
}

async fn of_job(service: &Transcoding, job: &Job) -> Result<Vec<String>, TranscodingError> {
    let now_us = service.now_us();
    let mut because = Vec::new();
    match job.state {
        JobState::Waiting if waits_for_disk(job) => {
            because.extend(job.error.as_ref().map(|error| error.message.clone()));
            let seconds = seconds(job.not_before_us - now_us);
            because.push(format!("The next look is in {seconds} s."));
            return Ok(because);
        }
        JobState::Waiting if job.not_before_us > now_us => {
            let seconds = seconds(job.not_before_us - now_us);
            because.push(format!("It is tried again in {seconds} s."));
        }
        JobState::Waiting => because.extend(backlog_before(service, job, now_us).await?),
        JobState::Dispatched if job.device.is_some() => {
            let minutes = service.deps.config.dispatch_lease_ms.div_ceil(60_000);
            because.push(format!(
                "It lies in the queue of workers that have a graphics processor ({}). If none of \
                 them takes anything for {minutes} min, the CPU encodes it.",
                job.device.map_or("", EncoderFamily::as_str)
            ));
        }
        JobState::Dispatched => because.push(
            "It lies in the queue; the next free worker takes it. If none does, check that a \
             worker runs and is not busy."
                .to_owned(),
        ),
        JobState::Running => because.push(running(service, job, now_us)),
        JobState::Done => because.push("It is done.".to_owned()),
        JobState::Failed => because.push("It failed for good.".to_owned()),
        JobState::Cancelled => because.push("Its result is not needed any more.".to_owned()),
    }
    if let Some(error) = &job.error {
        let times = job.tries.strikes + job.tries.setbacks;
        because.push(match job.state {
            JobState::Failed | JobState::Cancelled => error.message.clone(),
            // It begins anew, on the CPU.
            _ if times == 0 => error.message.clone(),
            _ => format!("{times} of its tries failed, the last: {}", error.message),
        });
    }
    Ok(because)
}

async fn backlog_before(
    service: &Transcoding,
    job: &Job,
    now_us: i64,
) -> Result<Vec<String>, TranscodingError> {
    let db = service.deps.db.read();
    let ahead = ahead::jobs(db, job, now_us).await?;
    let in_flight = backlog::in_flight(db).await?;
    let own = in_flight.by_account.get(&job.account).copied().unwrap_or(0);
    let config = &service.deps.config;
    let (room, quota) = (dispatch::room(config, &in_flight), config.quota_jobs);
    let full = quota.filter(|quota| own >= u64::from(*quota));
    let mut because = vec![if let Some(quota) = full {
        format!(
            "Its account may have {quota} jobs under way at once, and has; {ahead} wait before it."
        )
    } else if room.on(job.device) == 0 {
        let others = job.device.map_or(String::new(), |family| {
            format!(" that have a graphics processor ({})", family.as_str())
        });
        let jobs = in_flight.for_workers_with(job.device);
        format!("All workers{others} are busy with {jobs} jobs, and {ahead} wait before it.")
    } else {
        format!("It goes out with the next round; {ahead} wait before it.")
    }];
    if job.bulk {
        let minutes = service.deps.config.bulk_patience_ms.div_ceil(60_000);
        because.push(format!(
            "It is bulk work: what people wait for goes first, but after {minutes} min one bulk job \
             at a time goes out all the same."
        ));
    }
    Ok(because)
}

fn running(service: &Transcoding, job: &Job, now_us: i64) -> String {
    let worker = job.worker.as_deref().unwrap_or("A worker");
    let far = match service.live.progress_of(job).or(job.progress) {
        Some((done, total)) if total > 0 => {
            format!(" and has {} % of it", done.saturating_mul(100) / total)
        }
        _ => String::new(),
    };
    let left = job.lease_until_us.map_or(0, |until_us| seconds(until_us - now_us));
    format!("{worker} works on it{far}; without a sign of life it is given away in {left} s.")
}

fn seconds(us: i64) -> i64 {
    us.max(0).saturating_add(999_999) / 1_000_000
}
