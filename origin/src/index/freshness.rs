//! Until when a revision that was read may be taken for the present one.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Renewed by each look that finds the same revision, and read without a lock: by then the two
/// numbers may be of two looks, either of which found it.
#[derive(Debug)]
pub(super) struct Freshness {
    since: Instant,
    until_us: AtomicU64,
    /// The count of notices before the look.
    notices: AtomicU64,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { since: Instant::now(), until_us: AtomicU64::new(0), notices: AtomicU64::new(0) }
    }
}

impl Freshness {
    /// It was found at `at`, with as many notices, and may be believed for `life`.
    pub(super) fn renew(&self, at: Instant, life: Duration, notices: u64) {
        let until = at.saturating_duration_since(self.since).saturating_add(life);
        let until_us = u64::try_from(until.as_micros()).unwrap_or(u64::MAX);
        self.notices.store(notices, Ordering::Release);
        self.until_us.store(until_us, Ordering::Release);
    }

    pub(super) fn is(&self, now: Instant, notices: u64) -> bool {
        let age = now.saturating_duration_since(self.since);
        age.as_micros() < u128::from(self.until_us.load(Ordering::Acquire))
            && self.notices.load(Ordering::Acquire) == notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_until_its_end_or_a_notice() {
        let freshness = Freshness::default();
        let now = Instant::now();
        assert!(!freshness.is(now, 0), "never looked at");
        let life = Duration::from_secs(2);
        freshness.renew(now, life, 3);
        assert!(freshness.is(now, 3) && freshness.is(now + life / 2, 3));
        assert!(!freshness.is(now, 4), "noticed");
        assert!(!freshness.is(now + life, 3), "over");
        freshness.renew(now + life, life, 4);
        assert!(freshness.is(now + life, 4));
    }
}
