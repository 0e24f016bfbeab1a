//! `/api/v1/videos`: what is there.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::json;
use crate::wire::words;
use crate::{CaptionTrack, Chapter, Client, Page, Playback, Reason, Result};

words! {
    /// How far a video is. States only move forward.
    VideoState {
        /// Created; no byte has come.
        AwaitingUpload = "awaiting_upload",
        /// Bytes are coming.
        Uploading = "uploading",
        /// All bytes are there; nothing is planned yet.
        Queued = "queued",
        /// Planned, and being encoded.
        Encoding = "encoding",
        /// It can be watched from the start while the rest is encoded.
        Playable = "playable",
        /// Started now, it would play to its end without stalling.
        PlaysThrough = "plays_through",
        /// All of it is encoded.
        Ready = "ready",
        /// It ended without a presentation; see the reason.
        Failed = "failed",
    }
}

impl VideoState {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Failed)
    }

    /// Whether bytes are still missing.
    pub fn awaits_bytes(self) -> bool {
        matches!(self, Self::AwaitingUpload | Self::Uploading)
    }
}

words! {
    /// Whether somebody waits for a video.
    Priority {
        /// Somebody does.
        Interactive = "interactive",
        /// It may take its time.
        Bulk = "bulk",
    }
}

words! {
    /// Who may watch.
    Visibility {
        /// Whoever holds a signed address.
        Private = "private",
        /// Everybody.
        Public = "public",
    }
}

/// A video.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Video {
    /// UUIDv7.
    pub id: Uuid,
    /// At most 200 characters.
    pub title: String,
    /// Who may watch.
    pub visibility: Visibility,
    /// How far it is.
    pub state: VideoState,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// What a person should know though it worked.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// As uploaded.
    pub file_name: Option<String>,
    /// Bytes of the source.
    pub size: Option<u64>,
    /// Whether somebody waits for it; absent from servers that do not know.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// The profile it is encoded by.
    #[serde(default)]
    pub profile: Option<String>,
    /// Known once probed.
    pub duration_us: Option<i64>,
    /// Pixels, upright.
    pub width: Option<u32>,
    /// Pixels, upright.
    pub height: Option<u32>,
    /// Caption tracks.
    #[serde(default)]
    pub captions: Vec<CaptionTrack>,
    /// Chapters, in order; known once probed.
    #[serde(default)]
    pub chapters: Vec<Chapter>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its upload, while there is one.
    pub upload: Option<UploadPosition>,
    /// Where it plays; set from [`VideoState::Playable`] on.
    pub playback: Option<Playback>,
}

/// How far a video's upload is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UploadPosition {
    /// Address of the tus resource, absolute or from the server's root.
    pub url: String,
    /// Bytes that are safe.
    pub offset: u64,
    /// Bytes in all.
    pub length: u64,
}

/// What to create.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NewVideo {
    /// 1 to 200 characters; the server chooses from the file's name otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Private unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// Name of the file to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Interactive unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// A profile's name; the server's default otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// Which videos to list.
#[derive(Debug, Clone, Default)]
pub struct VideoFilter {
    /// Only these.
    pub state: Option<VideoState>,
    /// Rows a page, 1 to 100.
    pub limit: Option<u32>,
    /// [`Page::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

impl Client {
    /// Creates a video that awaits its upload.
    ///
    /// # Errors
    /// See [`crate::Error`]; after an ambiguous failure the video may exist.
    pub async fn create_video(&self, new: &NewVideo) -> Result<Video> {
        let url = self.api(&["videos"]);
        let response = self.write(|| self.request(Method::POST, url.clone()).json(new)).await?;
        json(response).await
    }

    /// One video.
    ///
    /// # Errors
    /// [`crate::Error::is_gone`] if there is none, or it belongs to somebody else.
    pub async fn video(&self, id: Uuid) -> Result<Video> {
        self.get(self.api(&["videos", &id.to_string()])).await
    }

    /// A page of the account's videos, newest first.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn videos(&self, filter: &VideoFilter) -> Result<Page<Video>> {
        let mut url = self.api(&["videos"]);
        {
            let mut query = url.query_pairs_mut();
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

    /// Has a failed video encoded once more from its stored source.
    ///
    /// # Errors
    /// See [`crate::Error`]; `not_failed` and `no_source` where that cannot be.
    pub async fn retry_video(&self, id: Uuid) -> Result<Video> {
        let url = self.api(&["videos", &id.to_string(), "retry"]);
        json(self.write(|| self.request(Method::POST, url.clone())).await?).await
    }

    /// Deletes a video, its objects and its work. Deleting twice is no error.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn delete_video(&self, id: Uuid) -> Result<()> {
        let url = self.api(&["videos", &id.to_string()]);
        crate::Retry::REQUEST
            .run(crate::Error::is_temporary, || {
                crate::client::send(self.request(Method::DELETE, url.clone()))
            })
            .await?;
        Ok(())
    }
}
