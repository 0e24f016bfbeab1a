//! A file's way through a real worker and its real children: probed, planned, and every job of
//! the plan done, as the orchestrator would ask for them.

use std::time::Instant;

use kinora_media::{JobId, VideoId};
use kinora_plan::{
    Plan, Profile, Warning,
    encoder::{Failure, ProbeSpec},
    job::{JobMessage, JobPayload, Report},
    plan,
};
use kinora_store::keys;
use uuid::Uuid;

use crate::rig::Rig;

/// A child is killed after this.
pub(crate) const DEADLINE_MS: u128 = 40_000;

/// A file on its way.
pub(crate) struct Journey {
    pub(crate) name: String,
    size: u64,
    video: VideoId,
    /// Jobs that have not reported their end, and when they were asked for.
    waiting: Vec<(JobId, &'static str, Instant)>,
    plan: Option<Plan>,
    frames: u64,
    failures: Vec<(&'static str, Failure)>,
    warnings: Vec<Warning>,
    sound_ms: Vec<u64>,
    longest_ms: u128,
}

/// What came of it.
pub(crate) struct Ending {
    pub(crate) name: String,
    /// Why it is not there; the first reason that counts.
    pub(crate) failures: Vec<(&'static str, Failure)>,
    /// What a person hears besides.
    pub(crate) warnings: Vec<Warning>,
    /// Frames of the grid that the plan promised, and that chunks made.
    pub(crate) frames: (u64, u64),
    /// Milliseconds that those frames are shown.
    pub(crate) picture_ms: u64,
    /// Milliseconds the plan promised, and the soundtracks made.
    pub(crate) sound_ms: (u64, Vec<u64>),
    /// The longest that one job took.
    pub(crate) longest_ms: u128,
}

impl Journey {
    pub(crate) async fn begin(rig: &Rig, name: String, bytes: Vec<u8>) -> Self {
        let (size, video) = (bytes.len() as u64, VideoId(Uuid::now_v7()));
        rig.put(&keys::source(video), bytes).await;
        let mut journey = Self {
            name,
            size,
            video,
            waiting: Vec::new(),
            plan: None,
            frames: 0,
            failures: Vec::new(),
            warnings: Vec::new(),
            sound_ms: Vec::new(),
            longest_ms: 0,
        };
        journey.ask(rig, JobPayload::Probe(ProbeSpec::new(size))).await;
        journey
    }

    pub(crate) fn awaits(&self, job: JobId) -> bool {
        self.waiting.iter().any(|(waiting, ..)| *waiting == job)
    }

    /// Takes a report in; the ending once nothing is waited for.
    pub(crate) async fn hear(&mut self, rig: &Rig, job: JobId, report: Report) -> Option<Ending> {
        if matches!(report, Report::AudioPartEncoded { .. }) {
            return None;
        }
        let at = self.waiting.iter().position(|(waiting, ..)| *waiting == job).unwrap();
        let (_, class, asked) = self.waiting.remove(at);
        self.longest_ms = self.longest_ms.max(asked.elapsed().as_millis());
        match report {
            Report::Probed(report) => match plan(&report, &Profile::default()) {
                Ok(plan) => self.set_out(rig, plan).await,
                Err(error) => panic!("{}: {error}", self.name),
            },
            Report::ChunkEncoded { frames, warnings, .. } => {
                self.frames += frames;
                self.warnings.extend(warnings);
            }
            Report::AudioEncoded { duration, warnings, .. } => {
                let plan = self.plan.as_ref().expect("sound follows from a plan");
                self.sound_ms.push(duration * 1000 / u64::from(plan.audio[0].sample_rate));
                self.warnings.extend(warnings);
            }
            Report::PicturesMade { warnings, .. } | Report::TextExtracted { warnings, .. } => {
                self.warnings.extend(warnings);
            }
            Report::Failed(failure) => self.failures.push((class, failure)),
            other => panic!("{}: {other:?}", self.name),
        }
        self.waiting.is_empty().then(|| self.end())
    }

    async fn set_out(&mut self, rig: &Rig, plan: Plan) {
        self.warnings.extend(plan.warnings.clone());
        let chunks = plan.video.as_ref().map_or(0, |video| video.chunks.len());
        for index in 0..chunks {
            let spec = plan.chunk_spec(index, self.size).unwrap();
            self.ask(rig, JobPayload::EncodeChunk(Box::new(spec))).await;
        }
        for (index, audio) in plan.audio.iter().enumerate() {
            let spec = Box::new(plan.audio_spec(index, self.size).unwrap());
            let track = audio.track.clone();
            self.ask(rig, JobPayload::EncodeAudio { track, spec, first_part: 0 }).await;
        }
        if let Some(spec) = plan.pictures_spec(self.size) {
            self.ask(rig, JobPayload::MakePictures(Box::new(spec))).await;
        }
        if let Some(spec) = plan.text_spec(self.size) {
            let tracks = plan.texts.iter().map(|text| text.track.clone()).collect();
            self.ask(rig, JobPayload::ExtractText { tracks, spec }).await;
        }
        self.plan = Some(plan);
    }

    async fn ask(&mut self, rig: &Rig, payload: JobPayload) {
        let class = payload.class().as_str();
        let message = JobMessage {
            video: self.video,
            source_key: keys::source(self.video).to_string(),
            deadline_ms: u64::try_from(DEADLINE_MS).unwrap(),
            ..rig.message(payload)
        };
        rig.dispatch(&message).await;
        self.waiting.push((message.job, class, Instant::now()));
    }

    fn end(&mut self) -> Ending {
        let promised = self.plan.as_ref().and_then(|plan| plan.video.as_ref());
        let frame_rate = promised.map(|video| video.stream.frame_rate);
        let promised = promised.map_or(0, |video| video.frames);
        let promised_ms = self.plan.as_ref().map_or(0, |plan| plan.duration_us / 1000);
        Ending {
            name: self.name.clone(),
            failures: std::mem::take(&mut self.failures),
            warnings: std::mem::take(&mut self.warnings),
            frames: (promised, self.frames),
            picture_ms: frame_rate.map_or(0, |rate| rate.frame_nanos(self.frames) / 1_000_000),
            sound_ms: (promised_ms, std::mem::take(&mut self.sound_ms)),
            longest_ms: self.longest_ms,
        }
    }
}
