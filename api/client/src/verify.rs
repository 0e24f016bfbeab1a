//! `/api/v1/admin/verify`: whether anything was lost or left behind.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::wire::words;
use crate::{Client, Result};

words! {
    /// Whether time mends a finding.
    Severity {
        /// Work is under way, or a chore is due.
        Pending = "pending",
        /// Something was lost, or left behind.
        Fault = "fault",
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// Whose.
    pub video: Option<Uuid>,
    /// Which encode of it.
    pub version: Option<u32>,
    /// Whether time mends it.
    pub severity: Severity,
    /// A stable word for it.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// What was found of some videos.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Verified {
    /// Videos looked at.
    pub videos: u64,
    /// Objects in the store that were looked at.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// Where to go on; `None` when that was all.
    pub next: Option<Uuid>,
}

impl Client {
    /// Holds database, store and segment index against each other, for the next few videos.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn verify(&self, after: Option<Uuid>) -> Result<Verified> {
        self.verified(self.api(&["admin", "verify"]), after).await
    }

    /// Holds the catalogue against presentations, its uploads against the spool and both against what
    /// quotas count, for the next few videos.
    ///
    /// # Errors
    /// See [`crate::Error`]; [`crate::Error::is_gone`] for a server from before there was such a thing.
    pub async fn verify_catalogue(&self, after: Option<Uuid>) -> Result<Verified> {
        self.verified(self.api(&["admin", "verify", "catalogue"]), after).await
    }

    async fn verified(&self, mut url: Url, after: Option<Uuid>) -> Result<Verified> {
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", &after.to_string());
        }
        self.get(url).await
    }
}
