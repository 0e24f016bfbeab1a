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
const REMEMBERED: u64 = 100_000;
/// Seconds' worth of requests that may come at once: a player that starts asks for much.
const BURST_S: u64 = 10;

/// The rates of all who ask.
#[derive(Debug)]
pub(super) struct Rates {
    /// From one request to the next; 0 without a limit.
    interval_us: AtomicU64,
    paid_off_us: Cache<u64, Arc<AtomicU64>>,
    since: Instant,
}

impl Rates {
    /// `a_second` of zero sets no limit.
    pub(super) fn new(a_second: u32) -> Self {
        let (interval_us, paid_off_us) = (AtomicU64::new(0), Cache::new(0));
        let rates = Self { interval_us, paid_off_us, since: Instant::now() };
        rates.limit(a_second);
        rates
    }

    /// From now on.
    pub(super) fn limit(&self, a_second: u32) {
        let interval_us = 1_000_000_u64.checked_div(a_second.into()).map_or(0, |us| us.max(1));
        self.paid_off_us.set_capacity(if a_second > 0 { REMEMBERED } else { 0 });
        self.interval_us.store(interval_us, Ordering::Relaxed);
    }

    pub(super) fn are_limited(&self) -> bool {
        self.interval_us.load(Ordering::Relaxed) > 0
    }

    /// Takes one.
    ///
    /// # Errors
    /// It took too many; says after how long it may ask again.
    pub(super) fn take(&self, who: u64) -> Result<(), Duration> {
        let interval_us = self.interval_us.load(Ordering::Relaxed);
        if interval_us == 0 {
            return Ok(());
        }
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
