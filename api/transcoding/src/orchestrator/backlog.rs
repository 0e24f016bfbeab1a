//! From a plan to jobs, and from a job to the message a worker gets.

use kinora_db::new_job_id;
use kinora_media::Priority;
use kinora_plan::{
    Plan,
    encoder::ProbeSpec,
    job::{JobClass, JobMessage, JobPayload},
    quality::AnalysisSpec,
};

use crate::{
    config::TranscodingConfig,
    repository::{Job, Transcode, jobs::NewJob},
};

/// What makes a video playable goes first, then what a player that has begun wants next; both
/// before the rest of other videos of the account, which goes in the order videos came.
const FRONT: i64 = 1;
const NEXT: i64 = 2;
const REST: i64 = 3;
/// Chunks that make a video playable: they hold its first two segments.
const FRONT_CHUNKS: u32 = 2;
/// Chunks before the rest: some fourteen seconds.
const FIRST_CHUNKS: u32 = 3;
/// What no player waits for goes after the first chunks of the rest: a poster should be there
/// long before a long film is.
const ASIDE_US: i64 = 20_000_000;

/// The jobs of a plan: a chunk each, a soundtrack each.
pub(crate) fn backlog_of(plan: &Plan) -> Vec<NewJob> {
    let mut jobs = Vec::new();
    if let Some(video) = &plan.video {
        for chunk in &video.chunks {
            let from_us = video.stream.frame_rate.frame_micros(chunk.first_frame);
            jobs.push(NewJob {
                id: new_job_id(),
                class: JobClass::EncodeChunk,
                track: None,
                chunk: Some(chunk.index),
                device: video.encoder.family.device(),
                priority: urgency(chunk.index),
                position_us: i64::try_from(from_us).unwrap_or(i64::MAX),
                work: chunk.frames,
            });
        }
    }
    for audio in &plan.audio {
        jobs.push(NewJob {
            id: new_job_id(),
            class: JobClass::EncodeAudio,
            track: Some(audio.track.clone()),
            chunk: None,
            device: None,
            priority: FRONT,
            // After the first chunk: a lone worker must not begin with a whole soundtrack.
            position_us: 1,
            work: plan.duration_us / 1000,
        });
    }
    jobs.extend(text_job(plan));
    jobs.extend(pictures_job(plan));
    jobs
}

fn urgency(chunk: u32) -> i64 {
    match chunk {
        ..FRONT_CHUNKS => FRONT,
        FRONT_CHUNKS..FIRST_CHUNKS => NEXT,
        _ => REST,
    }
}

/// Before the first publish if that waits for it; else when what makes the video playable is on
/// its way.
fn text_job(plan: &Plan) -> Option<NewJob> {
    (!plan.texts.is_empty()).then(|| NewJob {
        id: new_job_id(),
        class: JobClass::ExtractText,
        track: None,
        chunk: None,
        device: None,
        priority: if plan.texts_first { FRONT } else { REST },
        position_us: if plan.texts_first { 1 } else { ASIDE_US },
        work: plan.duration_us / 1000,
    })
}

fn pictures_job(plan: &Plan) -> Option<NewJob> {
    plan.video.as_ref().map(|_| NewJob {
        id: new_job_id(),
        class: JobClass::MakePictures,
        track: None,
        chunk: None,
        device: None,
        priority: REST,
        position_us: ASIDE_US,
        work: plan.duration_us / 1000,
    })
}

/// The job that a draft waits for.
pub(crate) fn analysis_of(spec: &AnalysisSpec) -> NewJob {
    NewJob {
        id: new_job_id(),
        class: JobClass::Analyse,
        track: None,
        chunk: None,
        device: None,
        // As urgent as the examination it completes.
        priority: 0,
        position_us: 0,
        work: spec.wanted.into(),
    }
}

/// The message for the current attempt of a job; `None` if the plan has no such job. For an
/// analysis `plan` is the draft.
pub(crate) fn message(
    config: &TranscodingConfig,
    transcode: &Transcode,
    plan: Option<&Plan>,
    job: &Job,
) -> Option<JobMessage> {
    let size = transcode.source_size;
    let (payload, media_ms) = match job.class {
        JobClass::Probe => {
            let max_duration_ns = config.max_duration_ms.saturating_mul(1_000_000);
            let spec = ProbeSpec {
                source_size: size,
                max_side: config.max_side,
                max_duration_ns,
                max_frame_rate: config.max_frame_rate,
                max_tracks: config.max_tracks,
            };
            (JobPayload::Probe(spec), 0)
        }
        JobClass::EncodeChunk => {
            let index = usize::try_from(job.chunk?).ok()?;
            let spec = plan?.chunk_spec(index, size)?;
            let media_ms = spec.video.frame_rate.frame_micros(spec.chunk.frames) / 1000;
            let switched = transcode.software_from.is_some_and(|from| spec.chunk.index >= from);
            let spec = if switched { spec.after_switch() } else { spec };
            (JobPayload::EncodeChunk(Box::new(spec)), media_ms)
        }
        JobClass::EncodeAudio => {
            let (plan, track) = (plan?, job.track.clone()?);
            let index = plan.audio.iter().position(|audio| audio.track == track)?;
            let spec = Box::new(plan.audio_spec(index, size)?);
            let payload = JobPayload::EncodeAudio { track, spec, first_part: job.parts };
            (payload, plan.duration_us / 1000)
        }
        JobClass::MakePictures => {
            let spec = Box::new(plan?.pictures_spec(size)?);
            (JobPayload::MakePictures(spec), plan?.duration_us / 1000)
        }
        JobClass::ExtractText => {
            let (plan, spec) = (plan?, plan?.text_spec(size)?);
            let tracks = plan.texts.iter().map(|text| text.track.clone()).collect();
            (JobPayload::ExtractText { tracks, spec }, plan.duration_us / 1000)
        }
        JobClass::Analyse => {
            let spec = plan?.analysis_spec(size)?;
            let frames = spec.samples.iter().map(|sample| sample.frames).sum();
            let media_ms = spec.video.frame_rate.frame_micros(frames) / 1000;
            (JobPayload::Analyse(Box::new(spec)), media_ms)
        }
    };
    Some(JobMessage {
        job: job.id,
        attempt: job.attempt,
        account: job.account.clone(),
        video: job.video,
        version: job.version,
        source_key: transcode.source_key.clone(),
        deadline_ms: config.deadline_for(media_ms),
        lease_ms: config.lease_ms,
        priority: if job.bulk { Priority::Bulk } else { Priority::Interactive },
        trace: transcode.trace.map(|trace| trace.within(job.id.0)),
        payload,
    })
}
