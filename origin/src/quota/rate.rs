//! Requests a second, by the generic cell rate algorithm: one number for each who asks, which says
//! when all it took is paid off. What is remembered is bounded: who was not seen for long is
//! forgotten first, which costs it nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

/// How many of those who ask are remembered.
const REMEMBERED: usize = 100_000;
/// Seconds' worth of requests that may come at once: a player that starts asks for much.
const BURST_S: u64 = 10;

/// The rates of all who ask.
#[derive(Debug)]
pub(super) struct Rates {
    /// From one request to the next; none without a limit.
    interval_us: Option<u64>,
    paid_off_us: Cache<u64, Arc<AtomicU64>>,
    since: Instant,
}

impl Rates {
    /// `a_second` of zero sets no limit.
    pub(super) fn new(a_second: u32) -> Self {
        let interval_us = (a_second > 0).then(|| (1_000_000 / u64::from(a_second)).max(1));
        let remembered = if a_second > 0 { REMEMBERED } else { 0 };
        Self { interval_us, paid_off_us: Cache::new(remembered), since: Instant::now() }
    }

    pub(super) fn are_limited(&self) -> bool {
        self.interval_us.is_some()
    }

    /// Takes one.
    ///
    /// # Errors
    /// It took too many; says after how long it may ask again.
    pub(super) fn take(&self, who: u64) -> Result<(), Duration> {
        let Some(interval_us) = self.interval_us else { return Ok(()) };
        let now_us = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let paid_off = self.paid_off_us.get_or_insert_with(&who, || Ok::<_, ()>(Arc::default()));
        let Ok(paid_off) = paid_off else { return Ok(()) };
        let latest = now_us + BURST_S * 1_000_000;
        let taken = paid_off.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid_off_us| {
            let next = paid_off_us.max(now_us) + interval_us;
            (next <= latest).then_some(next)
        });
        match taken {
            Ok(_) => Ok(()),
            Err(paid_off_us) => Err(Duration::from_micros(paid_off_us + interval_us - latest)),
        }
    }
}
