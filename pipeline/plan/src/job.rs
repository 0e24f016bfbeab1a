//! Payloads of the queue: what the orchestrator asks and what workers answer.
//!
//! They live apart from the code that runs them, so services can enqueue without knowing workers.
//! Readable one version back and forth: add fields with `#[serde(default)]`, never rename, and let
//! unknown ones pass (`workers/queue/tests/payloads.rs` holds them to that). What an older worker would
//! do wrong without a field is a new class, which it does not ask for.

use kinora_media::{
    AccountId, JobId, Pictures, Priority, SegmentEntry, TraceContext, TrackId, VideoId,
};
use serde::{Deserialize, Serialize};

use crate::{
    ProbeReport, Warning,
    device::EncoderFamily,
    encoder::{AudioSpec, ChunkSpec, Failure, PicturesSpec, ProbeSpec, TextSpec, TrackLoudness},
    quality::{Analysis, AnalysisSpec},
};

/// A job on its way to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMessage {
    /// Which job.
    pub job: JobId,
    /// Which try of it, from 1. Workers write only under their attempt.
    pub attempt: u32,
    /// Whose video.
    pub account: AccountId,
    /// Which video.
    pub video: VideoId,
    /// Which encode of it.
    pub version: u32,
    /// Object key of the source.
    pub source_key: String,
    /// The child is killed after this long, milliseconds.
    pub deadline_ms: u64,
    /// The lease: without a sign of life for this long the orchestrator gives the job away.
    pub lease_ms: u64,
    /// Whether somebody waits for it: then it goes before what may take its time.
    #[serde(default)]
    pub priority: Priority,
    /// What it follows from.
    #[serde(
        default,
        rename = "traceparent",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "kinora_media::trace::lenient"
    )]
    pub trace: Option<TraceContext>,
    /// The task.
    pub payload: JobPayload,
}

/// A task. In specs, `output_dir` is empty: the worker fills it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum JobPayload {
    /// Say what the source holds.
    Probe(ProbeSpec),
    /// Encode one chunk.
    EncodeChunk(Box<ChunkSpec>),
    /// Encode one soundtrack under this track id.
    EncodeAudio {
        /// The track.
        track: TrackId,
        /// The task.
        spec: Box<AudioSpec>,
        /// Parts below this index are published already and must not be written again.
        first_part: u32,
    },
    /// Encode samples and measure them, before the title is planned.
    Analyse(Box<AnalysisSpec>),
    /// Make the poster and the storyboard.
    MakePictures(Box<PicturesSpec>),
    /// Make WebVTT of embedded subtitles.
    ExtractText {
        /// The track of each stream.
        tracks: Vec<TrackId>,
        /// The task.
        spec: TextSpec,
    },
}

impl JobPayload {
    /// The class, by which workers subscribe.
    pub fn class(&self) -> JobClass {
        match self {
            Self::Probe(_) => JobClass::Probe,
            Self::EncodeChunk(_) => JobClass::EncodeChunk,
            Self::EncodeAudio { .. } => JobClass::EncodeAudio,
            Self::Analyse(_) => JobClass::Analyse,
            Self::MakePictures(_) => JobClass::MakePictures,
            Self::ExtractText { .. } => JobClass::ExtractText,
        }
    }

    /// The graphics processors it is for; `None` where the processor does it.
    pub fn device(&self) -> Option<EncoderFamily> {
        match self {
            Self::EncodeChunk(spec) => spec.encoder.family.device(),
            _ => None,
        }
    }
}

/// Classes of jobs. Lanes are of one class each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobClass {
    /// [`JobPayload::Probe`].
    Probe,
    /// [`JobPayload::EncodeChunk`].
    EncodeChunk,
    /// [`JobPayload::EncodeAudio`].
    EncodeAudio,
    /// [`JobPayload::Analyse`].
    Analyse,
    /// [`JobPayload::MakePictures`].
    MakePictures,
    /// [`JobPayload::ExtractText`].
    ExtractText,
}

impl JobClass {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::Probe,
        Self::EncodeChunk,
        Self::EncodeAudio,
        Self::Analyse,
        Self::MakePictures,
        Self::ExtractText,
    ];

    /// Whether a video can do without its result: then a failure is a warning.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::Analyse | Self::MakePictures | Self::ExtractText)
    }

    /// Its word in tables, queues and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::EncodeChunk => "encode_chunk",
            Self::EncodeAudio => "encode_audio",
            Self::Analyse => "analyse",
            Self::MakePictures => "make_pictures",
            Self::ExtractText => "extract_text",
        }
    }
}

/// What a worker says about a job on the durable, confirmed results lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// Which job.
    pub job: JobId,
    /// Which try of it; a report of any but the current one is refused.
    pub attempt: u32,
    /// Who says so: host and process, for people.
    pub worker: String,
    /// What the job follows from.
    #[serde(
        default,
        rename = "traceparent",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "kinora_media::trace::lenient"
    )]
    pub trace: Option<TraceContext>,
    /// What happened.
    pub report: Report,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// The probe's answer.
    Probed(Box<ProbeReport>),
    /// A chunk's objects are stored.
    ChunkEncoded {
        /// Frames of the source's grid.
        frames: u64,
        /// Every rung's object.
        objects: Vec<StoredChunk>,
        /// What was lost.
        warnings: Vec<Warning>,
    },
    /// One part of a soundtrack is stored; the job goes on.
    AudioPartEncoded {
        /// Which part.
        part: u32,
        /// Ticks of priming.
        priming: u32,
        /// Its object.
        object: StoredChunk,
    },
    /// The soundtrack is complete.
    AudioEncoded {
        /// How many parts there are.
        parts: u32,
        /// Ticks of sound.
        duration: u64,
        /// How loud the whole of it was and became.
        #[serde(default)]
        loudness: Option<TrackLoudness>,
        /// What was lost.
        warnings: Vec<Warning>,
    },
    /// What samples of the title showed.
    Analysed(Analysis),
    /// The poster and the storyboard are stored.
    PicturesMade {
        /// Their `object`s are file names in the version's folder of pictures.
        pictures: Box<Pictures>,
        /// What was lost.
        warnings: Vec<Warning>,
    },
    /// Embedded subtitles are stored.
    TextExtracted {
        /// Every track that holds text.
        texts: Vec<StoredText>,
        /// What was lost.
        warnings: Vec<Warning>,
    },
    /// It did not work.
    Failed(Failure),
}

/// A WebVTT file among the media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredText {
    /// The track.
    pub track: TrackId,
    /// File name inside the track's folder: `00000-1.vtt`.
    pub object: String,
    /// Bytes.
    pub size: u64,
}

/// An object of a track, and the segments in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredChunk {
    /// The track.
    pub track: TrackId,
    /// File name inside the track's folder: `00007-2.m4s` (chunk 7, attempt 2).
    pub object: String,
    /// RFC 6381 `codecs` value.
    pub codec: String,
    /// Decode time of the first sample, ticks of the track.
    pub start: u64,
    /// Segments, in order.
    pub segments: Vec<SegmentEntry>,
}

/// A sign of life. Lossy; renews the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    /// Which job.
    pub job: JobId,
    /// Which try of it.
    pub attempt: u32,
    /// Who says so.
    pub worker: String,
    /// Frames (or audio milliseconds) done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// What the orchestrator says to workers. Lossy: a lease that is not renewed does the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "control", rename_all = "snake_case")]
pub enum Control {
    /// Stop every job of this video.
    CancelVideo {
        /// Which video.
        video: VideoId,
    },
    /// Stop this attempt of this job, if it runs here.
    CancelAttempt {
        /// Which job.
        job: JobId,
        /// Which try of it.
        attempt: u32,
    },
}
