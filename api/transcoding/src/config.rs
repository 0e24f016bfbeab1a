//! How the orchestrator is set up.

use serde::Deserialize;

/// Times and limits of the orchestrator. All times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranscodingConfig {
    /// Jobs on the dispatch lane or with a worker: twice what all workers can run at once.
    pub max_in_flight: u32,
    /// A running job without a sign of life for this long is given away.
    pub lease_ms: u64,
    /// How often signs of life are written to the database.
    pub renew_ms: u64,
    /// How long the queue may take to confirm a message.
    pub claim_lease_ms: u64,
    /// A job that lies in the queue for this long is put there again.
    pub dispatch_lease_ms: u64,
    /// Tries of a job that count against it: lost workers and internal failures.
    pub max_attempts: u32,
    /// Tries of a job that count against the host: full disks, restarts.
    pub max_setbacks: u32,
    /// The pause after the first try that counts against the job; doubles with each.
    pub retry_ms: u64,
    /// The pause after the first try that counts against the host; doubles with each.
    pub resource_retry_ms: u64,
    /// The longest pause between tries.
    pub max_retry_ms: u64,
    /// A bulk job that has waited this long goes before interactive ones, one at a time.
    pub bulk_patience_ms: u64,
    /// Every job may take this long…
    pub deadline_ms: u64,
    /// …and this many times the media it works on besides…
    pub deadline_factor: u64,
    /// …but no longer than this.
    pub max_deadline_ms: u64,
    /// Refuse pictures wider or higher than this, pixels.
    pub max_side: u32,
    /// Refuse sources longer than this.
    pub max_duration_ms: u64,
    /// Refuse pictures that are shown faster than this, frames a second.
    pub max_frame_rate: u32,
    /// Refuse sources of more streams than this.
    pub max_tracks: u32,
    /// Media that an account's videos may have in all, as planned; `None` for any amount.
    pub quota_ms: Option<u64>,
    /// Jobs that an account may have on the lane or with workers; `None` for any number.
    pub quota_jobs: Option<u32>,
    /// Media that nothing refers to is removed when it is older than this.
    pub sweep_ms: u64,
    /// How much of the film must be left to spare when a video is said to play through.
    pub plays_through_margin_ms: u64,
}

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;

impl Default for TranscodingConfig {
    fn default() -> Self {
        Self {
            max_in_flight: 4,
            lease_ms: 30 * SECOND,
            renew_ms: 5 * SECOND,
            claim_lease_ms: 10 * SECOND,
            dispatch_lease_ms: 600 * SECOND,
            max_attempts: 4,
            max_setbacks: 20,
            retry_ms: SECOND,
            resource_retry_ms: 10 * SECOND,
            max_retry_ms: 600 * SECOND,
            bulk_patience_ms: 300 * SECOND,
            deadline_ms: 180 * SECOND,
            deadline_factor: 60,
            max_deadline_ms: 24 * HOUR,
            max_side: 8192,
            max_duration_ms: 12 * HOUR,
            max_frame_rate: 120,
            max_tracks: 64,
            quota_ms: None,
            quota_jobs: None,
            sweep_ms: 24 * HOUR,
            plays_through_margin_ms: 2 * SECOND,
        }
    }
}

impl TranscodingConfig {
    /// When a job on `media_ms` of media is to be killed.
    pub(crate) fn deadline_for(&self, media_ms: u64) -> u64 {
        let wanted = self.deadline_ms.saturating_add(media_ms.saturating_mul(self.deadline_factor));
        wanted.min(self.max_deadline_ms)
    }

    /// The same for jobs that a video can do without: it does not wait long for them.
    pub(crate) fn for_optional(&self) -> Self {
        let (max_attempts, max_setbacks) = (self.max_attempts.min(2), self.max_setbacks.min(3));
        Self { max_attempts, max_setbacks, ..self.clone() }
    }

    /// How long a tombstone must stand to outlive every worker that may still write.
    pub(crate) fn tombstone_us(&self) -> i64 {
        micros(self.max_deadline_ms.saturating_add(self.lease_ms).saturating_add(HOUR))
    }
}

/// Milliseconds as microseconds.
pub(crate) fn micros(ms: u64) -> i64 {
    i64::try_from(ms.saturating_mul(1000)).unwrap_or(i64::MAX)
}
