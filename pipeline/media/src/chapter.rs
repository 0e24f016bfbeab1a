//! Chapters of a presentation.

use serde::{Deserialize, Serialize};

/// A chapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// Where it begins in the presentation, microseconds.
    pub start_us: u64,
    /// Where it ends, microseconds; after it begins.
    pub end_us: u64,
    /// Its name.
    pub title: String,
    /// BCP 47 tag of the name; `None` if the source does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}
