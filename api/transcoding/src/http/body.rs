//! Answers as they are sent.

use kinora_http::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How far an encode is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Progress {
    /// Which video.
    pub video: Uuid,
    /// Which encode of it.
    pub version: u32,
    /// What is going on.
    pub state: ProgressState,
    /// Whether it can be watched from the beginning.
    pub playable: bool,
    /// Whether watching that starts now would not stall.
    pub plays_through: bool,
    /// 0 to 100; 100 when all is published.
    pub percent: f64,
    /// Media encoded, wherever on the timeline, microseconds.
    pub encoded_us: u64,
    /// Media published from the beginning on, microseconds.
    pub published_us: u64,
    /// The duration, microseconds; 0 until it is known.
    pub total_us: u64,
    /// Frames encoded.
    pub frames_done: u64,
    /// Frames in all.
    pub frames_total: u64,
    /// Frames a second, lately.
    pub fps: Option<f64>,
    /// Media seconds a second, lately.
    pub speed: Option<f64>,
    /// Seconds to go at that speed.
    pub eta_s: Option<f64>,
    /// Why it failed.
    pub reason: Option<ProgressReason>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// Its jobs.
    pub jobs: JobCounts,
    /// Where it stands among those that wait; null while a worker is at it, or has it next.
    #[schema(required)]
    pub queue: Option<QueuePlace>,
    /// What the quality target came to, where the profile has one and samples were measured.
    pub quality: Option<Quality>,
}

/// A place among those that wait.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct QueuePlace {
    /// 1 is next.
    #[schema(example = 12)]
    pub position: u64,
    /// Seconds until a worker takes it, estimated from what went before it in the last hour; null
    /// while nobody works.
    #[schema(required)]
    pub wait_s: Option<f64>,
}

/// What a quality target came to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Quality {
    /// The SSIMULACRA 2 score the top rung is to reach.
    pub target: u32,
    /// What it scores in the samples as planned.
    pub score: f64,
    /// What it would score as the profile has it without a target.
    pub fixed_score: f64,
    /// Places of the title that were measured.
    pub samples: u32,
    /// By how much every rung's CRF is above the profile's.
    pub crf_raise: u32,
    /// Rungs of the profile that the title does without, because a better one fits in their place.
    pub left_out: Vec<String>,
    /// Bytes the picture would take as the profile has it without a target, estimated.
    pub fixed_bytes: u64,
    /// Bytes it takes: produced, or estimated until all is.
    pub bytes: u64,
    /// Whether `bytes` were produced.
    pub produced: bool,
    /// Of `fixed_bytes`, how many of a hundred are saved.
    pub saved_percent: u32,
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProgressState {
    /// Waiting to be examined.
    Queued,
    /// Being examined.
    Probing,
    /// Being encoded.
    Encoding,
    /// Done.
    Ready,
    /// It will not be encoded.
    Failed,
    /// The video was deleted.
    Cancelled,
}

impl ProgressState {
    /// Whether nothing follows it.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Ready | Self::Failed | Self::Cancelled)
    }
}

/// Why a video failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProgressReason {
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Jobs of an encode by state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobCounts {
    /// Not with a worker yet.
    pub waiting: u64,
    /// With a worker.
    pub running: u64,
    /// Done.
    pub done: u64,
    /// Failed for good.
    pub failed: u64,
    /// All, cancelled ones too.
    pub total: u64,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView {
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub video: Uuid,
    /// What it does.
    pub class: JobClassWord,
    /// The soundtrack it encodes.
    pub track: Option<String>,
    /// The chunk it encodes.
    pub chunk: Option<u32>,
    /// Where it stands.
    pub state: JobStateWord,
    /// Which try this is, from 1; 0 before the first.
    pub attempt: u32,
    /// After so many tries that are its own fault it fails.
    pub max_attempts: u32,
    /// It waits at least until then.
    pub not_before_at: Timestamp,
    /// Without a sign of life it is given away then.
    pub lease_until_at: Option<Timestamp>,
    /// Who works on it, or did last.
    pub worker: Option<String>,
    /// How far it is.
    pub progress: Option<JobProgressView>,
    /// What went wrong last.
    pub error: Option<JobError>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When this try began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = JobClass)]
pub enum JobClassWord {
    /// Examines the file.
    Probe,
    /// Encodes a stretch of the picture.
    EncodeChunk,
    /// Encodes a soundtrack.
    EncodeAudio,
    /// Encodes samples to find out how many bits the picture needs.
    Analyse,
    /// Makes the poster and the storyboard.
    MakePictures,
    /// Makes text tracks of embedded subtitles.
    ExtractText,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = JobState)]
pub enum JobStateWord {
    /// In the backlog.
    Waiting,
    /// In the queue for a worker.
    Dispatched,
    /// With a worker.
    Running,
    /// Done.
    Done,
    /// Failed for good.
    Failed,
    /// Nobody wants it any more.
    Cancelled,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = JobProgress)]
pub struct JobProgressView {
    /// Frames, or milliseconds of sound.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// What went wrong with a job last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobError {
    /// Whose fault: `input`, `resource`, `internal`.
    #[schema(example = "internal")]
    pub kind: &'static str,
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Why something is where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Why {
    /// What the id names.
    pub subject: WhySubject,
    /// The id.
    pub id: Uuid,
    /// Its state.
    pub state: &'static str,
    /// Sentences, the most important first.
    pub because: Vec<String>,
}

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhySubject {
    /// A video.
    Video,
    /// A job.
    Job,
}
