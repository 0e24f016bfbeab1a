//! Answers as they stand on the wire.

use kinora_http::Timestamp;
use kinora_media::{Priority, TrackId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::links::{PlaybackLinks, Token, links};
use crate::{
    config::CatalogueConfig,
    model::{self, State, Visibility},
    repository::view::{ActiveUpload, MediaRow, VideoRow},
};

/// A video.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Video {
    id: Uuid,
    title: String,
    visibility: Visibility,
    state: State,
    /// Why it failed.
    #[schema(required)]
    reason: Option<Reason>,
    /// What a person should know of the encode.
    warnings: Vec<String>,
    file_name: Option<String>,
    /// Bytes of the source, once it is uploaded.
    size: Option<u64>,
    /// The name of the profile it is encoded by; absent where it is older than profiles.
    profile: Option<String>,
    /// `interactive` or `bulk`: whether somebody waits for it.
    #[schema(value_type = String, example = "interactive")]
    priority: Priority,
    /// Microseconds, once planned; exact once ready.
    duration_us: Option<u64>,
    /// Pixels of the best rendition, once planned; 0 for audio only.
    width: Option<u64>,
    /// Pixels of the best rendition, once planned; 0 for audio only.
    height: Option<u64>,
    captions: Vec<Captions>,
    /// In order; once planned.
    chapters: Vec<Chapter>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// While it is being uploaded.
    upload: Option<Upload>,
    /// From playable on.
    playback: Option<PlaybackLinks>,
}

/// Why a video failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reason {
    /// A stable word.
    #[schema(example = "empty_file")]
    code: String,
    /// A sentence.
    message: String,
}

/// A caption track.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Captions {
    /// BCP 47, lower case.
    #[schema(example = "pt-br")]
    pub(crate) language: String,
    /// What a player's menu shows.
    pub(crate) name: String,
}

/// A chapter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Chapter {
    /// Where it begins, microseconds.
    start_us: u64,
    /// Where it ends, microseconds.
    end_us: u64,
    /// Its name.
    title: String,
    /// BCP 47 tag of the name, if known.
    language: Option<String>,
}

impl From<kinora_media::Chapter> for Chapter {
    fn from(chapter: kinora_media::Chapter) -> Self {
        let kinora_media::Chapter { start_us, end_us, title, language } = chapter;
        Self { start_us, end_us, title, language }
    }
}

/// The chapters of a video, as they are sent.
fn chapters(media: Option<&MediaRow>) -> Vec<Chapter> {
    media
        .map(|media| media.chapters.iter().cloned().map(Chapter::from).collect())
        .unwrap_or_default()
}

/// An upload under way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Upload {
    /// The path of the tus resource.
    url: String,
    /// Bytes that are safe.
    offset: u64,
    /// Bytes in all.
    length: u64,
}

/// What a viewer needs to watch a video.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Playback {
    video: Uuid,
    title: String,
    state: State,
    /// Why it failed.
    #[schema(required)]
    reason: Option<Reason>,
    /// Microseconds, once planned.
    duration_us: Option<u64>,
    /// In order; once planned.
    chapters: Vec<Chapter>,
    /// From playable on.
    playback: Option<PlaybackLinks>,
}

/// The path of an upload's tus resource.
pub(crate) fn upload_path(id: model::UploadId) -> String {
    format!("/api/v1/uploads/{id}")
}

impl Video {
    pub(crate) fn new(
        config: &CatalogueConfig,
        row: VideoRow,
        captions: Vec<(TrackId, String)>,
        now_us: i64,
    ) -> Self {
        let playback = links(config, &row, Token::New(None), now_us);
        let captions = captions.into_iter();
        let upload = |active: ActiveUpload| Upload {
            url: upload_path(active.id),
            offset: active.received,
            length: active.size,
        };
        Self {
            id: row.id.0,
            title: row.title,
            visibility: row.visibility,
            state: row.state,
            reason: row.reason.map(Reason::from),
            size: row.size,
            priority: row.priority,
            profile: row.profile,
            file_name: row.file_name,
            duration_us: row.media.as_ref().map(|media| media.duration_us),
            width: row.media.as_ref().map(|media| media.width),
            height: row.media.as_ref().map(|media| media.height),
            chapters: chapters(row.media.as_ref()),
            warnings: row.media.map(|media| media.warnings).unwrap_or_default(),
            captions: captions
                .map(|(language, name)| Captions { language: language.into(), name })
                .collect(),
            created_at: Timestamp(row.created_at_us),
            updated_at: Timestamp(row.updated_at_us),
            upload: row.upload.map(upload),
            playback,
        }
    }
}

impl Playback {
    /// `token` is what its addresses carry, should it be private.
    pub(crate) fn new(
        config: &CatalogueConfig,
        row: VideoRow,
        token: Token<'_>,
        now_us: i64,
    ) -> Self {
        let playback = links(config, &row, token, now_us);
        Self {
            video: row.id.0,
            title: row.title,
            state: row.state,
            reason: row.reason.map(Reason::from),
            chapters: chapters(row.media.as_ref()),
            duration_us: row.media.map(|media| media.duration_us),
            playback,
        }
    }
}

impl From<model::Reason> for Reason {
    fn from(reason: model::Reason) -> Self {
        Self { code: reason.code, message: reason.message }
    }
}
