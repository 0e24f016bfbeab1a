//! `/api/v1/videos/{id}/captions/{language}`: subtitles uploaded beside the film.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::{json, send};
use crate::{Client, Error, Result, Retry};

/// A caption track of a video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionTrack {
    /// BCP 47.
    pub language: String,
    /// What a player's menu shows.
    pub name: String,
    /// How many cues it has; known when it was just uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cues: Option<u64>,
}

/// In which format a caption file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptionFormat {
    /// WebVTT.
    WebVtt,
    /// SubRip, which the server turns into WebVTT.
    SubRip,
}

impl CaptionFormat {
    /// The media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::WebVtt => "text/vtt",
            Self::SubRip => "application/x-subrip",
        }
    }
}

impl Client {
    /// Adds or replaces the captions in one language (BCP 47); `text` is UTF-8. Possible until the
    /// video's upload is finished.
    ///
    /// # Errors
    /// [`Error::Refused`] with code `invalid_captions` (its detail names the line) or
    /// `upload_finished`.
    pub async fn put_captions(
        &self,
        video: Uuid,
        language: &str,
        name: Option<&str>,
        format: CaptionFormat,
        text: Bytes,
    ) -> Result<CaptionTrack> {
        let mut url = self.api(&["videos", &video.to_string(), "captions", language]);
        if let Some(name) = name {
            url.query_pairs_mut().append_pair("name", name);
        }
        let put = || async {
            let request = self
                .request(Method::PUT, url.clone())
                .header(CONTENT_TYPE, format.content_type())
                .body(text.clone());
            json(send(request).await?).await
        };
        Retry::REQUEST.run(Error::is_temporary, put).await
    }
}
