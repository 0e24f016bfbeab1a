//! What services are asked, and answer, about what lies around and nobody needs.

use kinora_media::VideoId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Problem, Timestamp, audit};

/// Where to look, and what to do.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SweepQuery {
    /// Remove what is found; without it, it is only told.
    #[serde(default)]
    #[param(required = false)]
    pub apply: bool,
    /// How old something must be, seconds; by default as old as what is swept without being asked, a
    /// day. Less is safe only while nothing is uploaded or encoded.
    older_than_s: Option<u32>,
    /// The `next` of the answer before.
    #[param(value_type = Option<uuid::Uuid>)]
    pub after: Option<VideoId>,
    /// Videos to look at.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

impl SweepQuery {
    /// How many videos to look at.
    ///
    /// # Errors
    /// None, or more than one answer may be about.
    pub fn limit(&self) -> Result<u32, Problem> {
        audit::limit(self.limit)
    }

    /// How old something must be, microseconds, if that was said.
    pub fn older_than_us(&self) -> Option<i64> {
        self.older_than_s.map(|seconds| i64::from(seconds) * 1_000_000)
    }
}

/// What nobody needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stray {
    /// What it is.
    pub kind: StrayKind,
    /// Whose it was, where that can be told.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub video: Option<VideoId>,
    /// An object's key, or an upload's id.
    pub name: String,
    /// Its size, where it has one.
    pub bytes: Option<u64>,
    /// When it was written, or begun.
    pub since: Timestamp,
    /// Why nobody needs it: a sentence.
    pub message: String,
    /// Whether it was removed.
    pub removed: bool,
}

/// What a stray is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StrayKind {
    /// An object that nothing names.
    Object,
    /// What somebody uploaded, of a video that is not known. It is told of and never removed: after a
    /// restore from a backup it may be all there is of a film.
    Source,
    /// A write to the store that was begun and never ended.
    Write,
    /// A file in the spool that no upload needs.
    Spool,
}

/// What was found of some videos.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Swept {
    /// Videos looked at.
    pub videos: u64,
    /// What nobody needs.
    pub strays: Vec<Stray>,
    /// How many others are too young to be sure of.
    pub young: u64,
    /// Where to go on: the last video looked at; null when that was all.
    #[schema(required, value_type = Option<uuid::Uuid>)]
    pub next: Option<VideoId>,
}
