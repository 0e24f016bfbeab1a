//! `/api/v1/profiles`: how videos may be encoded.

use serde::{Deserialize, Serialize};

use crate::{Client, Result};

/// A way to encode videos.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Profile {
    /// What it is called.
    pub name: String,
    /// One line for those who choose.
    pub description: String,
    /// Whether it came with Kinora.
    #[serde(default)]
    pub built_in: bool,
    /// Whether it is in force where nobody asks.
    #[serde(default)]
    pub default: bool,
    /// Its file.
    pub toml: String,
}

#[derive(Deserialize)]
struct Profiles {
    items: Vec<Profile>,
}

impl Client {
    /// What there is to choose from, in the order of names.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub async fn profiles(&self) -> Result<Vec<Profile>> {
        Ok(self.get::<Profiles>(self.api(&["profiles"])).await?.items)
    }
}
