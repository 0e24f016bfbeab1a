//! A try that ended without a result: once more, or the end of the video.

use kinora_plan::{
    Warning,
    encoder::{Failure, FailureKind},
    job::JobClass,
};
use sqlx::AnyConnection;

use super::{ending, planning, switch};
use crate::{
    config::TranscodingConfig,
    error::TranscodingError,
    repository::{Job, Reason, jobs, transcodes},
    service::Transcoding,
    state::{
        SwitchReason,
        retry::{Setback, Tries, Verdict, judge, judge_on_device},
    },
};

/// What became of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It waits for its next try.
    Waits,
    /// It failed, and its video with it.
    Failed,
    /// It failed, and its video goes on without it.
    Forgone,
    /// It waits, and with it what else of the title the CPU shall encode from now on.
    Switched(SwitchReason),
    /// Nothing: the attempt was over already.
    Unchanged,
}

/// Applies a setback to the attempt as it was read in `job`. With `lease`, only if that has not
/// been renewed since.
pub(crate) async fn apply(
    service: &Transcoding,
    tx: &mut AnyConnection,
    job: &Job,
    lease: Option<i64>,
    setback: Setback<'_>,
) -> Result<Fate, TranscodingError> {
    let now_us = service.now_us();
    let current = (job.id, job.attempt, lease);
    let reported = match setback {
        Setback::Reported(failure) => Some(failure),
        _ => None,
    };
    let part = describe(service, job).await?;
    let optional = job.class.is_optional();
    let config = &service.deps.config;
    let on_device = switch::on_device(service, tx, job).await?;
    let setback = match &on_device {
        Some(encode) if setback == Setback::NeverTaken => {
            switch::never_taken(service, tx, encode).await?
        }
        _ => setback,
    };
    let lost = lost(setback, job, config);
    let error = reported.or(lost.as_ref());
    let verdict = match (&on_device, optional) {
        (Some(_), _) => judge_on_device(config, job.tries, setback, &part),
        (None, true) => judge(&config.for_optional(), job.tries, setback, &part),
        (None, false) => judge(config, job.tries, setback, &part),
    };
    let applied = match verdict {
        Verdict::Retry { tries, delay_us } => {
            let not_before_us = now_us.saturating_add(delay_us);
            jobs::put_back(tx, current, tries, error, not_before_us).await?.then_some(Fate::Waits)
        }
        Verdict::Switch => {
            let put_back = jobs::put_back(tx, current, Tries::default(), error, now_us).await?;
            let because = match setback {
                Setback::Unserved => SwitchReason::Gone,
                _ => SwitchReason::Failed,
            };
            match &on_device {
                Some(encode) if put_back => {
                    switch::to_software(tx, encode, because, now_us).await?;
                    Some(Fate::Switched(because))
                }
                _ => None,
            }
        }
        Verdict::GiveUp { code, reason } => {
            let kind = reported.map_or(FailureKind::Internal, |failure| failure.kind);
            let error = Failure { kind, code: code.clone(), message: reason.clone() };
            if !jobs::fail(tx, current, &error, now_us).await? {
                None
            } else if job.class == JobClass::Analyse {
                planning::not_analysed(tx, job, reported.unwrap_or(&error), now_us).await?;
                Some(Fate::Forgone)
            } else if optional {
                leave_out(tx, job, &error).await?;
                Some(Fate::Forgone)
            } else {
                let reason = Reason { code, message: reason };
                if let Some(transcode) = transcodes::find(&mut *tx, job.video, job.version).await? {
                    ending::fail(tx, &transcode, &reason, now_us).await?;
                }
                Some(Fate::Failed)
            }
        }
    };
    if applied.is_some() {
        tracing::info!(job.id = %job.id, video.id = %job.video, job.attempt, ?setback, fate = ?applied, "a try ended without a result");
    }
    Ok(applied.unwrap_or(Fate::Unchanged))
}

/// The video is ready without the job's result, and says so.
async fn leave_out(
    tx: &mut AnyConnection,
    job: &Job,
    error: &Failure,
) -> Result<(), TranscodingError> {
    let (code, what) = match job.class {
        JobClass::ExtractText => ("subtitles_not_converted", "The subtitles in the file"),
        _ => ("pictures_not_made", "The poster and the preview pictures"),
    };
    let message = format!("{what} could not be made: {}", error.message);
    let warning = Warning { code: code.to_owned(), message };
    jobs::warn(tx, job.id, &[warning]).await?;
    // What waited for it waits no more.
    Ok(transcodes::want(tx, job.video, job.version).await?)
}

/// What a lost lease leaves to read in the job.
fn lost(setback: Setback<'_>, job: &Job, config: &TranscodingConfig) -> Option<Failure> {
    let worker = job.worker.as_deref().unwrap_or("the worker");
    let (kind, code, message) = match setback {
        Setback::LeaseLost => {
            let message = format!("No sign of life came from {worker}.");
            (FailureKind::Internal, "lease_lost", message)
        }
        Setback::Restarted => {
            (FailureKind::Internal, "lease_lost", "Kinora was restarted under it.".to_owned())
        }
        Setback::Unserved => {
            let minutes = config.dispatch_lease_ms.div_ceil(60_000);
            let message = format!(
                "No worker with the graphics processor it was planned for took it for {minutes} \
                 min: the CPU encodes it."
            );
            (FailureKind::Gpu, "gpu_gone", message)
        }
        Setback::Reported(_) | Setback::NeverSent | Setback::NeverTaken => return None,
    };
    Some(Failure { kind, code: code.into(), message })
}

/// What a job makes, for a sentence: "the part from 0:14 to 0:30".
async fn describe(service: &Transcoding, job: &Job) -> Result<String, TranscodingError> {
    Ok(match job.class {
        JobClass::Probe => "the examination of the file".to_owned(),
        JobClass::EncodeAudio => "the sound".to_owned(),
        JobClass::Analyse => "the samples of the picture".to_owned(),
        JobClass::MakePictures => "the poster and the storyboard".to_owned(),
        JobClass::ExtractText => "the subtitles".to_owned(),
        JobClass::EncodeChunk => {
            let plan = super::plans::plan_of(service, job.video, job.version).await?;
            let rate = plan.as_ref().and_then(|p| p.video.as_ref()).map(|v| v.stream.frame_rate);
            let length_us = rate.map_or(0, |rate| rate.frame_micros(job.work));
            let from = job.position_us.unsigned_abs();
            format!("the part from {} to {}", clock_face(from), clock_face(from + length_us))
        }
    })
}

/// Minutes and seconds into the film.
pub(crate) fn clock_face(us: u64) -> String {
    let seconds = us / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}
