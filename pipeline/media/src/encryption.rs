//! How a version's media is encrypted on its way to players.

use serde::{Deserialize, Serialize};

/// How segments are encrypted when they are asked for. What is stored stays clear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// Not at all.
    #[default]
    None,
    /// Samples, by the `cbcs` scheme (ISO/IEC 23001-7 10.4).
    Cbcs,
    /// Samples, by the `cenc` scheme (ISO/IEC 23001-7 10.1).
    Cenc,
    /// Whole segments (RFC 8216 4.3.2.4, METHOD=AES-128): for HLS alone.
    #[serde(rename = "aes-128")]
    Aes128,
}

impl Encryption {
    /// Whether segments are sent as they are stored.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}
