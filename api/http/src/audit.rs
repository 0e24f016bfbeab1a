//! What services are asked, and answer, about whether anything was lost or left behind.

use kinora_media::VideoId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Problem;

/// Videos that one answer is about at most.
const MOST: u32 = 100;

/// Where to look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// The `next` of the answer before.
    #[param(value_type = Option<uuid::Uuid>)]
    pub after: Option<VideoId>,
    /// Videos to look at.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

impl VerifyQuery {
    /// How many videos to look at.
    ///
    /// # Errors
    /// None, or more than one answer may be about.
    pub fn limit(&self) -> Result<u32, Problem> {
        limit(self.limit)
    }
}

/// A number of videos as it was asked for.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(20);
    match (1..=MOST).contains(&limit) {
        true => Ok(limit),
        false => Err(Problem::invalid_request("limit must be 1 to 100")),
    }
}

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
