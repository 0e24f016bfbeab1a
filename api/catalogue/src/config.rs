//! What an operator may set.

use std::{path::PathBuf, time::Duration};

use kinora_media::playback::TokenKeys;

/// How the catalogue behaves.
#[derive(Debug, Clone)]
pub struct CatalogueConfig {
    /// Where unfinished uploads lie: a folder of our own, on the object store's filesystem where
    /// that is one, so that a finished upload is moved and not copied.
    pub upload_dir: PathBuf,
    /// The longest file that is accepted, in bytes.
    pub max_upload_bytes: u64,
    /// Where the object store keeps its files, if it does so on this host.
    pub store_dir: Option<PathBuf>,
    /// Bytes that must stay free on the disks that uploads pass through; more is not promised.
    pub upload_reserve_bytes: u64,
    /// Bytes that an account's sources may have, from the creation of their uploads to the deletion
    /// of their videos; `None` for any number.
    pub quota_bytes: Option<u64>,
    /// Media that an account's videos may have in all; `None` for any amount. Transcoding keeps to it,
    /// which knows how long a source is; here an account that has it all is told before it uploads.
    pub quota_media_ms: Option<u64>,
    /// Videos that an account may have on their way, from the creation of an upload to the end of its
    /// encode; more are to come later. `None` for any number.
    pub max_queued_videos: Option<u32>,
    /// How many unfinished uploads an account may have.
    pub max_active_uploads: u32,
    /// How long an upload that makes no progress is kept.
    pub upload_ttl: Duration,
    /// How long a PATCH may be silent before its connection counts as dead.
    pub upload_idle: Duration,
    /// Scheme and authority under which players reach the origin, without a slash at the end.
    pub origin_public_url: String,
    /// Scheme and authority under which people reach the gateway, without a slash at the end.
    pub gateway_public_url: String,
    /// Keys that playback tokens are checked with; the first one signs.
    pub token_keys: TokenKeys,
}

impl CatalogueConfig {
    /// The defaults: 64 GiB a file, 1 GiB kept free, 200 uploads at once, kept for a day, silent for 30 s at most.
    pub fn new(
        upload_dir: PathBuf,
        origin_public_url: impl Into<String>,
        gateway_public_url: impl Into<String>,
        token_keys: impl Into<TokenKeys>,
    ) -> Self {
        Self {
            upload_dir,
            max_upload_bytes: 64 << 30,
            store_dir: None,
            upload_reserve_bytes: 1 << 30,
            quota_bytes: None,
            quota_media_ms: None,
            max_queued_videos: None,
            max_active_uploads: 200,
            upload_ttl: Duration::from_secs(24 * 3600),
            upload_idle: Duration::from_secs(30),
            origin_public_url: origin_public_url.into(),
            gateway_public_url: gateway_public_url.into(),
            token_keys: token_keys.into(),
        }
    }
}
