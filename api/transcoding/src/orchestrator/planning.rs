//! From a probe, and where the profile asks for it an analysis, to the plan and its jobs.

use kinora_plan::{
    Plan, ProbeReport, Profile, Warning,
    encoder::{Failure, FailureKind},
    job::JobReport,
    quality::Analysis,
};
use kinora_queue::EventData;
use sqlx::AnyConnection;

use super::{
    backlog::{analysis_of, backlog_of},
    events::announce,
    reports::{self, Intake},
    setback::clock_face,
};
use crate::{
    error::TranscodingError,
    repository::{Job, Transcode, drafts, jobs, plans, quota, transcodes},
    service::Transcoding,
};

/// The plan, and the jobs that follow from it; or the draft of one, and the analysis it waits for.
pub(super) async fn probed(
    service: &Transcoding,
    job: &Job,
    report: &JobReport,
    found: &ProbeReport,
) -> Result<Intake, TranscodingError> {
    let Some(transcode) = transcodes::find(service.deps.db.read(), job.video, job.version).await?
    else {
        return Ok(Intake::Refused);
    };
    let (profile, gone) = profile_of(service, &transcode);
    let plan = match kinora_plan::plan(found, profile) {
        Ok(mut plan) => {
            let clear = if transcode.signed { None } else { left_clear(&mut plan) };
            plan.warnings.extend(gone.into_iter().chain(clear));
            plan
        }
        Err(error) => {
            let message = sentence(&error.to_string());
            let failure =
                Failure { kind: FailureKind::Input, code: "nothing_to_encode".into(), message };
            return reports::failed(service, job, &failure).await;
        }
    };
    let now_us = service.now_us();
    let mut tx = service.deps.db.begin_write().await?;
    let accepted = (job.id, report.attempt, 0);
    if !jobs::finish(&mut tx, accepted, &report.worker, &found.warnings, now_us).await? {
        return Ok(Intake::Refused);
    }
    let Some(transcode) = transcodes::find(&mut *tx, job.video, job.version).await? else {
        return Ok(Intake::Refused);
    };
    if let Some(failure) = over_quota(service, &mut tx, &transcode, plan.duration_us).await? {
        drop(tx);
        return reports::failed(service, job, &failure).await;
    }
    match plan.analysis_spec(transcode.source_size) {
        Some(spec) => {
            drafts::insert(&mut tx, job.video, job.version, &plan).await?;
            let owner = (job.video, job.version, &job.account);
            let new = analysis_of(&spec);
            jobs::insert(&mut tx, owner, transcode.created_at_us, &new, now_us).await?;
        }
        None => settle(&mut tx, &transcode, &plan, now_us).await?,
    }
    tx.commit().await?;
    Ok(Intake::Applied)
}

/// Reserves the media for the account, before anything is encoded of it; why there is no room.
async fn over_quota(
    service: &Transcoding,
    tx: &mut AnyConnection,
    transcode: &Transcode,
    duration_us: u64,
) -> Result<Option<Failure>, TranscodingError> {
    let Some(quota_ms) = service.deps.config.quota_ms else { return Ok(None) };
    let quota_us = quota_ms.saturating_mul(1000);
    if quota::reserve(tx, transcode, duration_us, quota_us).await? {
        return Ok(None);
    }
    let held_us = quota::held(tx, &transcode.account).await?;
    let message = format!(
        "It lasts {}, and of the {} that the account's videos may last in all {} are left; delete some \
         first, then try it again.",
        clock_face(duration_us),
        clock_face(quota_us),
        clock_face(quota_us.saturating_sub(held_us)),
    );
    Ok(Some(Failure { kind: FailureKind::Input, code: "quota_exceeded".into(), message }))
}

/// The profile an encode is planned by, with a word about one that is no longer there: it was when
/// the video was made, so the title is not held back for it.
fn profile_of<'a>(
    service: &'a Transcoding,
    transcode: &Transcode,
) -> (&'a Profile, Option<Warning>) {
    let profiles = &service.deps.profiles;
    let default = profiles.default_profile();
    match transcode.profile.as_deref().map(|name| (name, profiles.get(name))) {
        None => (&default.profile, None),
        Some((_, Some(named))) => (&named.profile, None),
        Some((name, None)) => {
            let message = format!(
                "The profile '{name}' is no longer there; '{}' was used instead.",
                default.name
            );
            let warning = Warning { code: "profile_gone".into(), message };
            (&default.profile, Some(warning))
        }
    }
}

/// Who may see a public video may have its key, so there is none; what a person should know of that.
fn left_clear(plan: &mut Plan) -> Option<Warning> {
    let asked = std::mem::take(&mut plan.encryption);
    (!asked.is_none()).then(|| Warning {
        code: "public_in_the_clear".into(),
        message:
            "The profile encrypts, but the video is public: whoever asked would get its key, so \
                  it is not encrypted."
                .into(),
    })
}

/// The samples decide.
pub(super) async fn analysed(
    service: &Transcoding,
    job: &Job,
    report: &JobReport,
    analysis: &Analysis,
) -> Result<Intake, TranscodingError> {
    let now_us = service.now_us();
    let mut tx = service.deps.db.begin_write().await?;
    if !jobs::finish(&mut tx, (job.id, report.attempt, 0), &report.worker, &[], now_us).await? {
        return Ok(Intake::Refused);
    }
    settle_draft(&mut tx, job, now_us, |draft| draft.analysed(analysis)).await?;
    tx.commit().await?;
    Ok(Intake::Applied)
}

/// There will be no samples: the title is encoded as its profile alone says, and says why.
pub(super) async fn not_analysed(
    tx: &mut AnyConnection,
    job: &Job,
    failure: &Failure,
    now_us: i64,
) -> Result<(), TranscodingError> {
    let why =
        format!("samples of it could not be measured ({})", failure.message.trim_end_matches('.'));
    settle_draft(tx, job, now_us, |draft| draft.not_analysed(&why)).await
}

async fn settle_draft(
    tx: &mut AnyConnection,
    job: &Job,
    now_us: i64,
    decide: impl FnOnce(Plan) -> Plan,
) -> Result<(), TranscodingError> {
    let draft = drafts::find(&mut *tx, job.video, job.version).await?;
    let transcode = transcodes::find(&mut *tx, job.video, job.version).await?;
    if let (Some(draft), Some(transcode)) = (draft, transcode) {
        settle(tx, &transcode, &decide(draft), now_us).await?;
        drafts::remove(tx, job.video, job.version).await?;
    }
    Ok(())
}

/// The plan is final: its jobs are there, everybody is told. Nothing for an encode that ended.
async fn settle(
    tx: &mut AnyConnection,
    transcode: &Transcode,
    plan: &Plan,
    now_us: i64,
) -> Result<(), TranscodingError> {
    let &Transcode { video, version, .. } = transcode;
    if !transcodes::planned(tx, video, version, plan.duration_us, now_us).await? {
        return Ok(());
    }
    plans::insert(tx, video, version, plan).await?;
    let owner = (video, version, &transcode.account);
    for new in backlog_of(plan) {
        jobs::insert(tx, owner, transcode.created_at_us, &new, now_us).await?;
    }
    announce(tx, transcode, planned(plan, version), now_us).await?;
    tracing::info!(video.id = %video, duration_us = plan.duration_us, "a video is planned");
    Ok(())
}

fn planned(plan: &Plan, version: u32) -> EventData {
    let best = plan.video.as_ref().and_then(|video| video.ladder.rungs.first());
    EventData::Planned {
        version,
        duration_us: plan.duration_us,
        width: best.map_or(0, |rung| rung.width),
        height: best.map_or(0, |rung| rung.height),
        // The probe's stand in the plan, before its own.
        warnings: sentences(plan.warnings.iter()),
        chapters: plan.chapters.clone(),
    }
}

/// The sentences of warnings, each once.
pub(crate) fn sentences<'a>(warnings: impl Iterator<Item = &'a Warning>) -> Vec<String> {
    let mut sentences = Vec::new();
    for warning in warnings {
        if !sentences.contains(&warning.message) {
            sentences.push(warning.message.clone());
        }
    }
    sentences
}

/// An error's text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
