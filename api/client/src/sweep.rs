//! `/api/v1/admin/sweep`: what nobody needs.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::json;
use crate::wire::words;
use crate::{Client, Result};

words! {
    /// What a stray is.
    StrayKind {
        /// An object that nothing names.
        Object = "object",
        /// What somebody uploaded, of a video that is not known; never removed.
        Source = "source",
        /// A write to the store that was begun and never ended.
        Write = "write",
        /// A file in the spool that no upload needs.
        Spool = "spool",
    }
}

/// What nobody needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stray {
    /// What it is.
    pub kind: StrayKind,
    /// Whose it was, where that can be told.
    pub video: Option<Uuid>,
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

/// What was found of some videos.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Swept {
    /// Videos looked at.
    pub videos: u64,
    /// What nobody needs.
    pub strays: Vec<Stray>,
    /// How many others are too young to be sure of.
    pub young: u64,
    /// Where to go on; `None` when that was all.
    pub next: Option<Uuid>,
}

/// How to sweep.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sweep {
    /// Remove what is found.
    pub apply: bool,
    /// How old something must be; by default the server decides.
    pub older_than: Option<Duration>,
}

impl Client {
    /// Finds what nobody needs in the store, among the next few videos.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn sweep(&self, sweep: Sweep, after: Option<Uuid>) -> Result<Swept> {
        self.swept(self.api(&["admin", "sweep"]), sweep, after).await
    }

    /// Finds what nobody needs in the spool of uploads.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn sweep_catalogue(&self, sweep: Sweep) -> Result<Swept> {
        self.swept(self.api(&["admin", "sweep", "catalogue"]), sweep, None).await
    }

    async fn swept(&self, mut url: Url, sweep: Sweep, after: Option<Uuid>) -> Result<Swept> {
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("apply", if sweep.apply { "true" } else { "false" });
            if let Some(age) = sweep.older_than {
                query.append_pair("older_than_s", &age.as_secs().to_string());
            }
            if let Some(after) = after {
                query.append_pair("after", &after.to_string());
            }
        }
        json(self.write(|| self.request(Method::POST, url.clone())).await?).await
    }
}
