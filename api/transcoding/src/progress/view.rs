//! How far an encode is, for people: what the database knows and what workers said lately.

use kinora_plan::{Plan, Warning, job::JobClass};

use super::place;
use crate::{
    error::TranscodingError,
    http::{JobCounts, Progress, ProgressReason, ProgressState, Quality},
    orchestrator::{planning::sentences, plans::plan_of, switch},
    repository::{
        Job, Transcode, objects,
        statistics::{self, Tally},
    },
    service::Transcoding,
    state::{JobState, VideoState},
};

/// How far an encode is.
pub(crate) async fn progress(
    service: &Transcoding,
    transcode: &Transcode,
) -> Result<Progress, TranscodingError> {
    let encode = (transcode.video, transcode.version);
    let db = service.deps.db.read();
    let tally = statistics::tally(db, encode).await?;
    let running = statistics::running(db, encode).await?;
    let lost = statistics::warnings(db, encode).await?;
    let plan = plan_of(service, transcode.video, transcode.version).await?;
    let work = Work::of(service, plan.as_deref(), &tally, &running);
    let rate = service.live.rate((transcode.video, work.class), service.now_us());
    let rate = rate.filter(|_| transcode.state == VideoState::Encoding);
    let media_rate = rate.map(|rate| rate * work.us_each / 1e6).filter(|rate| *rate > 0.0);
    let planned = plan.iter().flat_map(|plan| &plan.warnings);
    let switched = plan.iter().filter_map(|plan| switch::warning(plan, transcode));
    let switched: Vec<Warning> = switched.collect();
    let ready = transcode.state == VideoState::Ready;
    let picture = work.class == JobClass::EncodeChunk;
    let total_us = transcode.duration_us.unwrap_or(0);
    let left_us = work.total.saturating_sub(work.done) as f64 * work.us_each;
    Ok(Progress {
        video: transcode.video.0,
        version: transcode.version,
        state: state(transcode, &tally),
        playable: transcode.playable_at_us.is_some(),
        plays_through: transcode.plays_through_at_us.is_some(),
        percent: percent(&work, ready),
        encoded_us: if ready { total_us } else { work.done_us().min(total_us) },
        published_us: transcode.front_us,
        total_us,
        frames_done: if picture { work.done } else { 0 },
        frames_total: if picture { work.total } else { 0 },
        fps: rate.filter(|_| picture).map(round),
        speed: media_rate.map(round),
        eta_s: media_rate.map(|rate| round(left_us / 1e6 / rate)),
        reason: transcode
            .reason
            .clone()
            .map(|reason| ProgressReason { code: reason.code, message: reason.message }),
        warnings: sentences(lost.iter().chain(planned).chain(&switched)),
        jobs: counts(&tally),
        queue: place::of(service, transcode, &running).await?,
        quality: match &plan {
            Some(plan) => quality(service, transcode, plan).await?,
            None => None,
        },
    })
}

/// What the quality target came to; of a whole encode by what was produced.
async fn quality(
    service: &Transcoding,
    transcode: &Transcode,
    plan: &Plan,
) -> Result<Option<Quality>, TranscodingError> {
    let Some((target, decision)) = plan
        .quality
        .as_ref()
        .and_then(|quality| Some((quality.target, quality.decision.as_ref()?)))
    else {
        return Ok(None);
    };
    let produced = match transcode.state {
        VideoState::Ready => {
            let encode = (transcode.video, transcode.version);
            Some(objects::bytes(service.deps.db.read(), encode).await?)
        }
        _ => None,
    };
    let Some(savings) = plan.savings(produced.as_ref()) else { return Ok(None) };
    let left_out = decision.rungs.iter().filter(|rung| !rung.kept);
    Ok(Some(Quality {
        target,
        score: f64::from(decision.planned_score) / 1000.0,
        fixed_score: f64::from(decision.fixed_score) / 1000.0,
        samples: decision.samples,
        crf_raise: decision.crf_raise,
        left_out: left_out.map(|rung| rung.track.to_string()).collect(),
        fixed_bytes: savings.fixed_bytes,
        bytes: savings.planned_bytes,
        produced: savings.produced,
        saved_percent: savings.saved_percent,
    }))
}

/// What there is to do, in frames, or milliseconds of sound where there is no picture.
struct Work {
    class: JobClass,
    done: u64,
    total: u64,
    /// Microseconds of media a unit.
    us_each: f64,
}

impl Work {
    fn of(service: &Transcoding, plan: Option<&Plan>, tally: &[Tally], running: &[Job]) -> Self {
        let video = plan.and_then(|plan| plan.video.as_ref());
        let (class, us_each) = match video {
            Some(video) => {
                let rate = video.stream.frame_rate;
                let us = 1e6 * f64::from(rate.den.get()) / f64::from(rate.num.get());
                (JobClass::EncodeChunk, us)
            }
            None => (JobClass::EncodeAudio, 1000.0),
        };
        let of_class = tally.iter().filter(|tally| tally.class == class);
        let total = of_class.clone().map(|tally| tally.work).sum();
        let finished: u64 =
            of_class.filter(|tally| tally.state == JobState::Done).map(|tally| tally.work).sum();
        let under_way = running.iter().filter(|job| job.class == class);
        let under_way: u64 = under_way.map(|job| done_of(service, job).min(job.work)).sum();
        Self { class, done: (finished + under_way).min(total), total, us_each }
    }

    fn done_us(&self) -> u64 {
        // In range: a film's microseconds.
        (self.done as f64 * self.us_each).round() as u64
    }
}

fn done_of(service: &Transcoding, job: &Job) -> u64 {
    service.live.progress_of(job).or(job.progress).map_or(0, |(done, _)| done)
}

/// 100 only when all is published too.
fn percent(work: &Work, ready: bool) -> f64 {
    match work.total {
        _ if ready => 100.0,
        0 => 0.0,
        total => round((work.done as f64 * 100.0 / total as f64).min(99.9)),
    }
}

fn state(transcode: &Transcode, tally: &[Tally]) -> ProgressState {
    let under_way = |state| matches!(state, JobState::Dispatched | JobState::Running);
    match transcode.state {
        VideoState::Queued if tally.iter().any(|tally| under_way(tally.state)) => {
            ProgressState::Probing
        }
        VideoState::Queued => ProgressState::Queued,
        VideoState::Encoding => ProgressState::Encoding,
        VideoState::Ready => ProgressState::Ready,
        VideoState::Failed => ProgressState::Failed,
        VideoState::Cancelled => ProgressState::Cancelled,
    }
}

fn counts(tally: &[Tally]) -> JobCounts {
    let count = |states: &[JobState]| {
        tally.iter().filter(|t| states.contains(&t.state)).map(|tally| tally.jobs).sum()
    };
    JobCounts {
        waiting: count(&[JobState::Waiting, JobState::Dispatched]),
        running: count(&[JobState::Running]),
        done: count(&[JobState::Done]),
        failed: count(&[JobState::Failed]),
        total: tally.iter().map(|tally| tally.jobs).sum(),
    }
}

/// To the hundredth: more would be noise.
fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
