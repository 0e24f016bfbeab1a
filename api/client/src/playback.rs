//! `/api/v1/playback/{video}`: what a watch page asks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Client, Reason, Result, VideoState};

/// Where a video plays.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Playback {
    /// Which encode: a session stays with its version.
    pub version: u32,
    /// HLS multivariant playlist.
    pub hls_url: String,
    /// DASH manifest.
    pub dash_url: String,
    /// Where players ask for licences (ClearKey), should the video be encrypted; not set for a public
    /// one.
    #[serde(default)]
    pub license_url: Option<String>,
    /// Page with a player.
    pub watch_url: String,
    /// A picture to show before playback, JPEG; set once it is made.
    #[serde(default)]
    pub poster_url: Option<String>,
    /// The same for lists.
    #[serde(default)]
    pub small_poster_url: Option<String>,
    /// What a seek bar shows: WebVTT whose cues name parts of sheets.
    #[serde(default)]
    pub storyboard_url: Option<String>,
    /// Chapters as WebVTT.
    #[serde(default)]
    pub chapters_url: Option<String>,
    /// When the token in a private video's addresses expires.
    pub token_expires_at: Option<Timestamp>,
}

/// A chapter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Chapter {
    /// Where it begins, microseconds.
    pub start_us: i64,
    /// Where it ends, microseconds.
    pub end_us: i64,
    /// Its name.
    pub title: String,
    /// BCP 47 tag of the name, if known.
    #[serde(default)]
    pub language: Option<String>,
}

/// What a watch page knows of a video.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Playing {
    /// The video.
    pub video: Uuid,
    /// Its title.
    pub title: String,
    /// How far it is.
    pub state: VideoState,
    /// Why it failed.
    pub reason: Option<Reason>,
    /// Known once probed.
    pub duration_us: Option<i64>,
    /// In order.
    #[serde(default)]
    pub chapters: Vec<Chapter>,
    /// Set from [`VideoState::Playable`] on.
    pub playback: Option<Playback>,
}

impl Client {
    /// What a watch page shows: opened by the client's key, by a playback token, or by nothing for
    /// a public video.
    ///
    /// # Errors
    /// [`crate::Error::is_gone`] if there is no such video, or nothing that opens it.
    pub async fn playback(&self, video: Uuid, token: Option<&str>) -> Result<Playing> {
        let mut url = self.api(&["playback", &video.to_string()]);
        if let Some(token) = token {
            url.query_pairs_mut().append_pair("token", token);
        }
        self.get(url).await
    }
}
