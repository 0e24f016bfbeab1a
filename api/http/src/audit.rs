//! What services answer who are asked whether anything was lost or left behind.

use kinora_media::VideoId;
use serde::Serialize;
use utoipa::ToSchema;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// Whose.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub video: Option<VideoId>,
    /// Which encode of it.
    pub version: Option<u32>,
    /// Whether time mends it.
    pub severity: Severity,
    /// A stable word for it: `missing_object`, `orphan_object`.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
}

/// Whether time mends a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Work is under way, or a chore is due.
    Pending,
    /// Something was lost, or left behind.
    Fault,
}

/// What was found of some videos.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verified {
    /// Videos looked at.
    pub videos: u64,
    /// Objects in the store that were looked at.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is not as it should be, by video.
    pub findings: Vec<Finding>,
    /// Where to go on: the last video looked at; null when that was all.
    #[schema(required, value_type = Option<uuid::Uuid>)]
    pub next: Option<VideoId>,
}
