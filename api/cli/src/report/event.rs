//! The lines of `--json`: their shape is a promise to scripts. Fields are only ever added.

use kinora_client::{Reason, Video, VideoState};
use serde::Serialize;
use uuid::Uuid;

/// Points on a video's way that people wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Milestone {
    Uploaded,
    Playable,
    PlaysThrough,
    Ready,
}

impl Milestone {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Playable => "playable",
            Self::PlaysThrough => "plays through",
            Self::Ready => "ready",
        }
    }
}

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    Created { file: Option<String>, video: Uuid, size: u64, resumed: bool },
    Progress(Progress),
    Uploaded(Outcome),
    Playable(Outcome),
    PlaysThrough(Outcome),
    Ready(Outcome),
    Failed(Outcome),
}

impl Event {
    pub(super) fn of(milestone: Milestone, outcome: Outcome) -> Self {
        match milestone {
            Milestone::Uploaded => Self::Uploaded(outcome),
            Milestone::Playable => Self::Playable(outcome),
            Milestone::PlaysThrough => Self::PlaysThrough(outcome),
            Milestone::Ready => Self::Ready(outcome),
        }
    }

    pub(super) fn to_line(&self) -> String {
        serde_json::to_string(self).expect("plain data is valid JSON")
    }
}

/// At most one a second.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Progress {
    pub(super) file: Option<String>,
    pub(super) video: Option<Uuid>,
    /// `uploading`, then the states of a video and of its encode.
    pub(super) state: String,
    pub(super) percent: Option<f64>,
    pub(super) elapsed_s: f64,
    pub(super) eta_s: Option<f64>,
    pub(super) bytes_sent: Option<u64>,
    pub(super) bytes_total: Option<u64>,
    pub(super) bytes_per_s: Option<f64>,
    /// Source frames a second.
    pub(super) fps: Option<f64>,
    /// Media seconds a second.
    pub(super) speed: Option<f64>,
    pub(super) encoded_us: Option<i64>,
    pub(super) published_us: Option<i64>,
    pub(super) total_us: Option<i64>,
    pub(super) frames_done: Option<u64>,
    pub(super) frames_total: Option<u64>,
    /// Its place among those that wait, 1 is next, and when its turn may come.
    pub(super) queue_position: Option<u64>,
    pub(super) queue_wait_s: Option<f64>,
    /// Why nothing moves.
    pub(super) because: Option<String>,
}

impl Progress {
    pub(super) fn of_upload(
        sent: u64,
        total: u64,
        rate: Option<f64>,
        video: Option<Uuid>,
        file: Option<String>,
        elapsed_s: f64,
    ) -> Self {
        Self {
            file,
            video,
            state: VideoState::Uploading.as_str().into(),
            percent: (total > 0).then(|| rounded(sent as f64 * 100.0 / total as f64)),
            elapsed_s,
            eta_s: rate.map(|rate| rounded(total.saturating_sub(sent) as f64 / rate)),
            bytes_sent: Some(sent),
            bytes_total: Some(total),
            bytes_per_s: rate.map(f64::round),
            ..Self::default()
        }
    }

    pub(super) fn of_encode(
        from: &kinora_client::Progress,
        file: Option<String>,
        elapsed_s: f64,
    ) -> Self {
        Self {
            file,
            video: Some(from.video),
            state: from.state.as_str().into(),
            percent: Some(rounded(from.percent)),
            elapsed_s,
            eta_s: from.eta_s.map(rounded),
            fps: from.fps.map(rounded),
            speed: from.speed.map(rounded),
            encoded_us: Some(from.encoded_us),
            published_us: Some(from.published_us),
            total_us: Some(from.total_us),
            frames_done: Some(from.frames_done),
            frames_total: Some(from.frames_total),
            queue_position: from.queue.map(|queue| queue.position),
            queue_wait_s: from.queue.and_then(|queue| queue.wait_s).map(rounded),
            ..Self::default()
        }
    }

    /// Nothing was heard yet.
    pub(super) fn unknown(video: Option<Uuid>, file: Option<String>) -> Self {
        Self { file, video, state: VideoState::Queued.as_str().into(), ..Self::default() }
    }

    pub(super) fn waiting(video: &Video, file: Option<String>, elapsed_s: f64) -> Self {
        Self {
            file,
            video: Some(video.id),
            state: video.state.as_str().into(),
            elapsed_s,
            ..Self::default()
        }
    }
}

/// A milestone or the end. Whichever comes last carries everything a script needs.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) file: Option<String>,
    pub(super) video: Option<Uuid>,
    pub(super) state: Option<VideoState>,
    pub(super) elapsed_s: f64,
    pub(super) title: Option<String>,
    pub(super) duration_us: Option<i64>,
    pub(super) hls_url: Option<String>,
    pub(super) dash_url: Option<String>,
    pub(super) watch_url: Option<String>,
    pub(super) reason: Option<Reason>,
    pub(super) warnings: Vec<String>,
}

impl Outcome {
    pub(super) fn of(
        milestone: Milestone,
        video: &Video,
        file: Option<String>,
        elapsed_s: f64,
    ) -> Self {
        let state = match milestone {
            Milestone::Uploaded => VideoState::Queued.max(video.state),
            Milestone::Playable => VideoState::Playable,
            Milestone::PlaysThrough => VideoState::PlaysThrough,
            Milestone::Ready => VideoState::Ready,
        };
        let playback = video.playback.clone();
        let (hls_url, dash_url, watch_url) = playback
            .map(|it| (Some(it.hls_url), Some(it.dash_url), Some(it.watch_url)))
            .unwrap_or_default();
        Self {
            file,
            video: Some(video.id),
            state: Some(state),
            elapsed_s,
            title: Some(video.title.clone()),
            duration_us: video.duration_us,
            hls_url,
            dash_url,
            watch_url,
            reason: None,
            warnings: video.warnings.clone(),
        }
    }

    pub(super) fn failed(
        reason: Reason,
        state: Option<VideoState>,
        video: Option<Uuid>,
        file: Option<String>,
        elapsed_s: f64,
    ) -> Self {
        Self {
            file,
            video,
            state,
            elapsed_s,
            title: None,
            duration_us: None,
            hls_url: None,
            dash_url: None,
            watch_url: None,
            reason: Some(reason),
            warnings: Vec::new(),
        }
    }
}

/// To milliseconds and thousandths: more digits would be noise.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
