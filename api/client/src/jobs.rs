//! `/api/v1/jobs` and `/api/v1/why`: what is being done, and why something waits.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::json;
use crate::wire::words;
use crate::{Client, Page, Result};

words! {
    /// What a job does.
    JobClass {
        /// Looks into the source.
        Probe = "probe",
        /// Encodes a stretch of the picture in every rung.
        EncodeChunk = "encode_chunk",
        /// Encodes one sound track.
        EncodeAudio = "encode_audio",
        /// Measuring samples of the picture.
        Analyse = "analyse",
        /// Makes the poster and the storyboard.
        MakePictures = "make_pictures",
        /// Makes text tracks of embedded subtitles.
        ExtractText = "extract_text",
    }
}

words! {
    /// How far a job is.
    JobState {
        /// Not handed to the queue yet.
        Waiting = "waiting",
        /// In the queue.
        Dispatched = "dispatched",
        /// A worker holds it.
        Running = "running",
        /// Its result was accepted.
        Done = "done",
        /// Out of attempts.
        Failed = "failed",
        /// No longer wanted.
        Cancelled = "cancelled",
    }
}

/// A unit of work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// UUIDv7.
    pub id: Uuid,
    /// The video it works on.
    pub video: Uuid,
    /// What it does.
    pub class: JobClass,
    /// The track, where it makes one.
    pub track: Option<String>,
    /// The chunk, where it makes one.
    pub chunk: Option<u32>,
    /// How far it is.
    pub state: JobState,
    /// Which attempt is the current one.
    pub attempt: u32,
    /// After how many it fails.
    pub max_attempts: u32,
    /// Not to be run before.
    pub not_before_at: Option<Timestamp>,
    /// When the worker counts as lost unless it is heard of.
    pub lease_until_at: Option<Timestamp>,
    /// Who holds it.
    pub worker: Option<String>,
    /// How far the worker is.
    pub progress: Option<JobProgress>,
    /// What the last attempt ended with.
    pub error: Option<JobError>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the current attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// How far a worker is, in units of the job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobProgress {
    /// Units done.
    pub done: f64,
    /// Units in all.
    pub total: f64,
}

/// What an attempt ended with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobError {
    /// Whether trying again can help.
    pub kind: String,
    /// Stable code.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only of this video.
    pub video: Option<Uuid>,
    /// Only these.
    pub state: Option<JobState>,
    /// Rows a page, 1 to 100.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

/// Why a video or a job is where it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Why {
    /// `video` or `job`.
    pub subject: String,
    /// Its id.
    pub id: Uuid,
    /// Its state.
    pub state: String,
    /// Plain sentences, the most important one first.
    pub because: Vec<String>,
}

/// What was put away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Purged {
    /// How many dead jobs.
    pub jobs: u64,
    /// How many messages of the queue that nobody could read.
    #[serde(default)]
    pub letters: u64,
}

impl Client {
    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        let mut url = self.api(&["jobs"]);
        {
            let mut query = url.query_pairs_mut();
            if let Some(video) = filter.video {
                query.append_pair("video", &video.to_string());
            }
            if let Some(state) = filter.state {
                query.append_pair("state", state.as_str());
            }
            if let Some(limit) = filter.limit {
                query.append_pair("limit", &limit.to_string());
            }
            if let Some(cursor) = &filter.cursor {
                query.append_pair("cursor", cursor);
            }
        }
        self.get(url).await
    }

    /// One job.
    ///
    /// # Errors
    /// [`crate::Error::is_gone`] if there is none, or it belongs to somebody else.
    pub async fn job(&self, id: Uuid) -> Result<Job> {
        self.get(self.api(&["jobs", &id.to_string()])).await
    }

    /// Cancels the encode of a video: its jobs stop, and it fails with the reason `cancelled`.
    ///
    /// # Errors
    /// See [`crate::Error`]; `not_encoding` if it is over.
    pub async fn cancel_encode(&self, video: Uuid) -> Result<()> {
        let url = self.api(&["videos", &video.to_string(), "cancel"]);
        self.write(|| self.request(Method::POST, url.clone())).await?;
        Ok(())
    }

    /// Puts dead jobs away, of one video or of all, that ended at least so long ago. Where both are left
    /// open the queue's dead letters go, too.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn purge_jobs(&self, video: Option<Uuid>, older_than: Duration) -> Result<Purged> {
        let mut url = self.api(&["jobs", "purge"]);
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("older_than_s", &older_than.as_secs().to_string());
            if let Some(video) = video {
                query.append_pair("video", &video.to_string());
            }
        }
        let answer = self.write(|| self.request(Method::POST, url.clone())).await?;
        json(answer).await
    }

    /// Why a video or a job is in the state it is in.
    ///
    /// # Errors
    /// [`crate::Error::is_gone`] if the id names neither.
    pub async fn why(&self, id: Uuid) -> Result<Why> {
        self.get(self.api(&["why", &id.to_string()])).await
    }
}
