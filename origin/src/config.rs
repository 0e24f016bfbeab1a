//! What can be set, and what is refused at start.

use std::time::Duration;

use kinora_media::playback::TokenKeys;
use tokio_util::sync::CancellationToken;

use crate::{Adjust, CmcdSink, Live, Metrics, Notices, Proxies, Tls};

/// How the origin behaves. The default serves public videos within sensible limits.
#[derive(Debug, Clone, Default)]
pub struct OriginConfig {
    /// The secrets playback tokens may be signed with. Without any, private videos stay closed.
    pub token_keys: TokenKeys,
    /// Scheme and authority by which players reach it, without a slash at the end: what an MPD says of
    /// where licences are asked for. Empty where pages with players have the same.
    pub public_url: String,
    /// By which a publisher in this process says that a head changed: keep a clone of it.
    pub notices: Notices,
    /// Where what players report of themselves goes.
    pub cmcd: CmcdSink,
    /// What is counted: keep a clone of it.
    pub metrics: Metrics,
    /// The certificate, where clients come over TLS; they choose HTTP/2 or HTTP/1.1 then.
    pub tls: Option<Tls>,
    /// Who speaks the PROXY protocol.
    pub proxies: Proxies,
    /// The live streams that are sent out: keep a clone of it to take them in.
    pub live: Live,
    /// Cancelled when another process listens on the same sockets: keep a clone. No connection is
    /// taken any more, and each that is open ends with the next answer it gets.
    pub leaving: CancellationToken,
    /// By which what a client may take and what is kept are changed later: keep a clone.
    pub adjust: Adjust,
    /// What is kept in memory.
    pub caches: Caches,
    /// What a client may take.
    pub limits: Limits,
    /// How long a client, or a shutdown, may take.
    pub timeouts: Timeouts,
}

/// What is kept in memory.
#[derive(Debug, Clone)]
pub struct Caches {
    /// Bytes of heads and pages of segment indexes, each half.
    pub index_bytes: u64,
    /// Bytes of rendered manifests.
    pub manifest_bytes: u64,
    /// Bytes of media, at most, in slices of up to 1 MiB.
    pub media_bytes: u64,
    /// Bytes of media, at most, that are on their way to clients besides: what is not kept, and what
    /// was let go of while a slow client still takes it. Who needs more waits.
    pub sending_bytes: u64,
    /// A slice of so many bytes leaves by sendfile; shorter ones are copied to the socket. Sharing
    /// pages with the kernel costs as much for each page as a copy where memory is fast.
    pub sendfile_bytes: usize,
    /// After how long the head of a complete or deleted video is looked at again. A growing one
    /// is after half its target duration.
    pub complete_head_life: Duration,
}

/// What a client may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once; more wait in the system's backlog.
    pub connections: usize,
    /// Requests at once on a connection by HTTP/2.
    pub streams: u32,
    /// Requests a second of one address (of IPv6, one network of 64 bits), ten seconds' worth of
    /// them at once; 0 for any number. Leave it so behind a CDN, whose addresses are few.
    pub address_rate: u32,
    /// Requests a second by one token, likewise.
    pub token_rate: u32,
    /// Answers by one token that are sent at the same time; 0 for any number.
    pub token_streams: u32,
    /// Header fields of a request.
    pub headers: usize,
    /// Bytes of a request's head, its first line included; at least 8192.
    pub head_bytes: usize,
    /// Bytes of a request's address, its query included.
    pub uri_bytes: usize,
}

/// How long a client, or a shutdown, may take.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// From the first byte of a request's head to its last, and for a handshake before.
    pub header: Duration,
    /// Between requests, and before the first.
    pub idle: Duration,
    /// Without the client taking a single byte, while some wait for it.
    pub write_stall: Duration,
    /// For answers in flight when the shutdown begins.
    pub drain: Duration,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            index_bytes: 128 << 20,
            manifest_bytes: 64 << 20,
            media_bytes: 192 << 20,
            sending_bytes: 64 << 20,
            sendfile_bytes: usize::MAX,
            complete_head_life: Duration::from_secs(30),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            streams: 32,
            address_rate: 0,
            token_rate: 0,
            token_streams: 0,
            headers: 64,
            head_bytes: 16 << 10,
            uri_bytes: 8 << 10,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            // Longer than the time between two segments of a player whose buffer is full.
            idle: Duration::from_secs(75),
            write_stall: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// Why the origin does not start.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// A setting that cannot be.
    #[error("origin: {setting}: {problem}")]
    Config {
        /// Which.
        setting: &'static str,
        /// Why not.
        problem: String,
    },
    /// The system refuses a thread or a listener.
    #[error("origin: {0}")]
    Io(#[from] std::io::Error),
}

impl OriginConfig {
    pub(crate) fn check(&self) -> Result<(), OriginError> {
        let refuse = |setting, problem: String| Err(OriginError::Config { setting, problem });
        for key in self.token_keys.get().iter() {
            if key.secret.len() < 32 {
                return refuse("token_keys", format!("'{}' has less than 32 bytes", key.id));
            }
        }
        if self.limits.head_bytes < 8192 {
            return refuse("limits.head_bytes", "less than 8192".into());
        }
        if self.caches.sending_bytes < 1 << 20 {
            return refuse("caches.sending_bytes", "less than a slice of 1 MiB".into());
        }
        if self.limits.connections == 0 {
            return refuse("limits.connections", "0".into());
        }
        if self.limits.streams == 0 {
            return refuse("limits.streams", "0".into());
        }
        Ok(())
    }
}
