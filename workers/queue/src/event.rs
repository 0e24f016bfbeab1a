//! Events that services publish through their outbox.
//!
//! Readable one version back and forth: add fields with `#[serde(default)]`, never rename.

use kinora_media::{AccountId, Chapter, Priority, TraceContext, VideoId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Something that happened to a video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Unique; consumers that have seen it ignore it.
    pub id: Uuid,
    /// The service that says so: `catalogue`, `transcoding`. Aggregate versions count per
    /// producer and video.
    pub producer: String,
    /// Whose video.
    pub account: AccountId,
    /// Which video.
    pub video: VideoId,
    /// Counts this producer's events about this video from 1, assigned under the row lock.
    pub aggregate_version: u64,
    /// When, microseconds since 1970 UTC.
    pub occurred_at_us: i64,
    /// What it follows from.
    #[serde(
        default,
        rename = "traceparent",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "kinora_media::trace::lenient"
    )]
    pub trace: Option<TraceContext>,
    /// What.
    #[serde(flatten)]
    pub data: EventData,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data")]
pub enum EventData {
    /// The source is stored whole (catalogue).
    #[serde(rename = "video.uploaded")]
    Uploaded {
        /// Where it lies.
        source_key: String,
        /// Bytes.
        size: u64,
        /// Whether playback needs a token.
        signed: bool,
        /// Caption files that came with it.
        captions: Vec<UploadedCaptions>,
        /// The name of the profile it is encoded by; `None` for the one in force where nobody
        /// asks.
        #[serde(default)]
        profile: Option<String>,
        /// Whether somebody waits for it.
        #[serde(default)]
        #[schema(value_type = crate::asyncapi::Priority)]
        priority: Priority,
        /// Which encode of it is to be made: 1, or more after one that failed.
        #[serde(default = "first")]
        version: u32,
    },
    /// The owner deleted it (catalogue).
    #[serde(rename = "video.deleted")]
    Deleted,
    /// The plan is made (transcoding).
    #[serde(rename = "video.planned")]
    Planned {
        /// Which encode.
        version: u32,
        /// Planned duration, microseconds.
        duration_us: u64,
        /// The best rendition's pixels; 0 for audio only.
        width: u32,
        /// The best rendition's pixels; 0 for audio only.
        height: u32,
        /// What a person should know.
        warnings: Vec<String>,
        /// Chapters, in order.
        #[serde(default)]
        #[schema(value_type = Vec<crate::asyncapi::Chapter>)]
        chapters: Vec<Chapter>,
    },
    /// Two segments of every required track stand at the front (transcoding).
    #[serde(rename = "video.playable")]
    Playable {
        /// Which encode.
        version: u32,
        /// Whether there are a poster and a storyboard by now.
        #[serde(default)]
        pictures: bool,
    },
    /// Starting now would never stall at the measured speed (transcoding).
    #[serde(rename = "video.plays_through")]
    PlaysThrough {
        /// Which encode.
        version: u32,
        /// Whether there are a poster and a storyboard by now.
        #[serde(default)]
        pictures: bool,
    },
    /// All is encoded and published (transcoding).
    #[serde(rename = "video.ready")]
    Ready {
        /// Which encode.
        version: u32,
        /// Exact duration, microseconds.
        duration_us: u64,
        /// What was lost, as sentences.
        warnings: Vec<String>,
        /// Whether there are a poster and a storyboard by now.
        #[serde(default)]
        pictures: bool,
    },
    /// It will not be encoded (transcoding).
    #[serde(rename = "video.failed")]
    Failed {
        /// A stable word.
        code: String,
        /// A sentence a person understands.
        reason: String,
    },
}

/// What was meant before a failed encode could be tried again.
fn first() -> u32 {
    1
}

/// A caption file that came with an upload, already checked and stored as WebVTT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadedCaptions {
    /// BCP 47 tag in lower case: `en`, `pt-br`.
    pub language: String,
    /// What a player's menu shows.
    pub name: String,
    /// Where it lies.
    pub key: String,
}
