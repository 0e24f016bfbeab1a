//! The server's time, by which requests are signed: a server refuses what was signed by a clock that is a
//! quarter of an hour off (`RequestTimeTooSkewed`), so a host whose clock is wrong could read nothing.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Response, header::DATE};

/// Less is no wrong clock: a date has whole seconds, and an answer takes time.
const TOLERATED_S: i64 = 60;

/// By how much the server's clock is ahead of ours, as far as its answers told.
#[derive(Debug, Default)]
pub(super) struct ServerClock(AtomicI64);

impl ServerClock {
    /// Seconds by which the server's clock is ahead.
    pub(super) fn ahead_s(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The server's time.
    pub(super) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(SignedDuration::from_secs(self.ahead_s())).unwrap_or(now)
    }

    /// Learns from the `Date` of an answer (RFC 9110, 6.6.1).
    pub(super) fn hear(&self, answer: &Response) {
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let since = date.and_then(|date: SystemTime| date.duration_since(UNIX_EPOCH).ok());
        if let Some(since) = since {
            self.heard(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), Timestamp::now());
        }
    }

    fn heard(&self, server_s: i64, now: Timestamp) {
        let ahead_s = server_s.saturating_sub(now.as_second());
        if ahead_s.abs_diff(self.ahead_s()) <= TOLERATED_S.unsigned_abs() {
            return;
        }
        let before_s = self.0.swap(ahead_s, Ordering::Relaxed);
        if before_s != ahead_s {
            tracing::warn!(
                store.ahead_s = ahead_s,
                "this host's clock is not the store's: requests are signed by the store's"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_noted_and_one_that_was_set_right_too() {
        let (clock, now) = (ServerClock::default(), Timestamp::from_second(1_800_000_000).unwrap());
        for (server_s, ahead_s) in [
            (1_800_000_000 - 59, 0),
            (1_800_000_000 + 60, 0),
            (1_800_000_000 - 3600, -3600),
            (1_800_000_000 - 3559, -3600),
            (1_800_000_000 + 3600, 3600),
            (1_800_000_000 + 1, 1),
        ] {
            clock.heard(server_s, now);
            assert_eq!(clock.ahead_s(), ahead_s, "{server_s}");
        }
        clock.heard(i64::MAX, now);
        assert!(clock.now() <= Timestamp::now(), "what is no time changes nothing");
    }
}
