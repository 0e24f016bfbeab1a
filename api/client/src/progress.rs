//! `/api/v1/videos/{id}/progress`: how far the encode is, asked once or followed.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::send;
use crate::retry::Delays;
use crate::sse::{Decoder, Event};
use crate::wire::words;
use crate::{Client, Error, Reason, Result, Retry};

/// The server sends a comment every 15 s, so three missed ones mean a dead connection.
const SILENCE: Duration = Duration::from_secs(45);

words! {
    /// What the encode is doing.
    ProgressState {
        /// Nothing yet.
        Queued = "queued",
        /// Looking into the source.
        Probing = "probing",
        /// Encoding.
        Encoding = "encoding",
        /// All is done.
        Ready = "ready",
        /// Ended without a presentation.
        Failed = "failed",
        /// The video was deleted.
        Cancelled = "cancelled",
    }
}

impl ProgressState {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Failed | Self::Cancelled)
    }
}

/// How far the encode of a video is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Progress {
    /// The video.
    pub video: Uuid,
    /// Which encode.
    pub version: Option<u32>,
    /// What it is doing.
    pub state: ProgressState,
    /// Whether it can be watched from the start.
    pub playable: bool,
    /// Whether it would play to its end without stalling if started now.
    pub plays_through: bool,
    /// 0 to 100.
    pub percent: f64,
    /// Media encoded.
    pub encoded_us: i64,
    /// Media a player can fetch.
    pub published_us: i64,
    /// Media in all; 0 until probed.
    pub total_us: i64,
    /// Source frames encoded.
    pub frames_done: u64,
    /// Source frames in all; 0 until probed.
    pub frames_total: u64,
    /// Source frames a second.
    pub fps: Option<f64>,
    /// Media seconds a wall-clock second.
    pub speed: Option<f64>,
    /// Seconds to go.
    pub eta_s: Option<f64>,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// What a person should know though it works.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Its jobs by state.
    pub jobs: JobCounts,
    /// Where it stands among those that wait; `None` while a worker is at it, or has it next.
    #[serde(default)]
    pub queue: Option<QueuePlace>,
    /// What a quality target came to, if the profile has one and samples were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
}

/// A place among those that wait.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QueuePlace {
    /// 1 is next.
    pub position: u64,
    /// Seconds until a worker takes it, estimated; `None` while nobody works.
    #[serde(default)]
    pub wait_s: Option<f64>,
}

/// What a quality target came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Rungs of the profile that the title does without.
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

/// How many jobs of a video are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Not begun.
    pub waiting: u64,
    /// On a worker.
    pub running: u64,
    /// Finished.
    pub done: u64,
    /// Out of attempts.
    pub failed: u64,
    /// All of them.
    pub total: u64,
}

impl Client {
    /// How far the encode is.
    ///
    /// # Errors
    /// [`Error::is_gone`] until the encoding service has heard of the video: its
    /// [`crate::Video::state`] tells until then.
    pub async fn progress(&self, video: Uuid) -> Result<Progress> {
        self.get(self.api(&["videos", &video.to_string(), "progress"])).await
    }

    /// Follows the encode. Nothing is sent before the first [`ProgressEvents::next`].
    pub fn progress_events(&self, video: Uuid) -> ProgressEvents {
        ProgressEvents {
            client: self.clone(),
            video,
            delays: Retry::TRANSFER.delays(),
            open: None,
            over: false,
        }
    }
}

/// The progress of a video as it happens; connects again by itself when the connection is lost.
pub struct ProgressEvents {
    client: Client,
    video: Uuid,
    delays: Delays,
    open: Option<Stream>,
    over: bool,
}

struct Stream {
    bytes: BoxStream<'static, reqwest::Result<Bytes>>,
    decoder: Decoder,
    decoded: std::collections::VecDeque<Event>,
}

impl std::fmt::Debug for ProgressEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgressEvents")
            .field("video", &self.video)
            .field("open", &self.open.is_some())
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl ProgressEvents {
    /// The next progress; `None` after a final state or an error. An error is final: the server
    /// refused, or was out of reach for too long.
    pub async fn next(&mut self) -> Option<Result<Progress>> {
        while !self.over {
            match self.advance().await {
                Ok(Some(progress)) => {
                    self.delays.start_over();
                    self.over = progress.state.is_final();
                    return Some(Ok(progress));
                }
                Ok(None) => {}
                Err(error) => {
                    self.open = None;
                    let delay = self.delays.after(&error).filter(|_| error.is_temporary());
                    let Some(delay) = delay else {
                        self.over = true;
                        return Some(Err(error));
                    };
                    tracing::debug!(video.id = %self.video, %error, ?delay, "progress lost");
                    tokio::time::sleep(delay).await;
                }
            }
        }
        None
    }

    /// Connects, or takes what comes next; `None` if that was no progress.
    async fn advance(&mut self) -> Result<Option<Progress>> {
        let Some(stream) = &mut self.open else {
            self.open = Some(self.connect().await?);
            return Ok(None);
        };
        if let Some(event) = stream.decoded.pop_front() {
            return progress(&event);
        }
        let bytes = tokio::time::timeout(SILENCE, stream.bytes.next())
            .await
            .map_err(|_| Error::silent(SILENCE.as_secs()))?
            .ok_or_else(|| Error::Unreachable {
                cause: "the server closed the stream".into(),
                source: None,
            })??;
        stream.decoded.extend(stream.decoder.push(&bytes)?);
        Ok(None)
    }

    async fn connect(&self) -> Result<Stream> {
        let url = self.client.api(&["videos", &self.video.to_string(), "progress", "events"]);
        let request = self.client.open_ended(Method::GET, url).header(ACCEPT, "text/event-stream");
        let response = tokio::time::timeout(SILENCE, send(request))
            .await
            .map_err(|_| Error::silent(SILENCE.as_secs()))??;
        Ok(Stream {
            bytes: response.bytes_stream().boxed(),
            decoder: Decoder::default(),
            decoded: std::collections::VecDeque::new(),
        })
    }
}

fn progress(event: &Event) -> Result<Option<Progress>> {
    if event.name != "progress" {
        return Ok(None);
    }
    serde_json::from_str(&event.data)
        .map(Some)
        .map_err(|error| Error::Protocol(format!("progress event: {error}")))
}
