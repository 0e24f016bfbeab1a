//! Speeds and intervals; the caller passes time in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(8);
const STEP: Duration = Duration::from_millis(200);

/// Bytes a second over the last seconds.
#[derive(Debug, Default)]
pub(super) struct Rate {
    first: Option<u64>,
    furthest: u64,
    samples: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// So many bytes are out. Bytes that have to be sent again do not count twice.
    pub(super) fn at(&mut self, offset: u64, now: Instant) {
        self.first.get_or_insert(offset);
        self.furthest = self.furthest.max(offset);
        if self.samples.back().is_some_and(|&(_, before)| before > offset) {
            self.samples.clear();
        }
        // One sample a step suffices, besides the newest.
        if let [.., (before, _), (newest, _)] = self.samples.make_contiguous()
            && *newest - *before < STEP
        {
            self.samples.pop_back();
        }
        self.samples.push_back((now, offset));
        while self.samples.len() > 2 && now - self.samples[0].0 > WINDOW {
            self.samples.pop_front();
        }
    }

    /// Nothing moves for a while: that time is not to count.
    pub(super) fn pause(&mut self) {
        self.samples.clear();
    }

    pub(super) fn per_second(&self, now: Instant) -> Option<f64> {
        let &(began, from) = self.samples.front()?;
        let &(_, to) = self.samples.back()?;
        let seconds = (now - began).as_secs_f64();
        (seconds > 0.3 && to > from).then(|| (to - from) as f64 / seconds)
    }

    /// Bytes since the first sample.
    pub(super) fn in_all(&self) -> u64 {
        self.first.map_or(0, |first| self.furthest - first)
    }
}

/// Lets something happen at once, then no oftener than this.
#[derive(Debug)]
pub(super) struct Every {
    interval: Duration,
    last: Option<Instant>,
}

impl Every {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, last: None }
    }

    /// Lets the first time wait for one interval too.
    pub(super) fn after(interval: Duration, now: Instant) -> Self {
        Self { interval, last: Some(now) }
    }

    pub(super) fn due(&mut self, now: Instant) -> bool {
        let due = self.last.is_none_or(|last| now - last >= self.interval);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_last_seconds() {
        let begin = Instant::now();
        let mut rate = Rate::default();
        let at = |tenths: u32| begin + Duration::from_millis(100) * tenths;
        for tenths in 0..=200 {
            rate.at(u64::from(tenths) * 1_000, at(tenths));
        }
        for tenths in 201..=400 {
            rate.at(200_000 + u64::from(tenths - 200) * 3_000, at(tenths));
        }
        let now = rate.per_second(at(400)).unwrap();
        assert!((now - 30_000.0).abs() < 500.0, "{now}");
        assert_eq!(rate.in_all(), 800_000);
        assert!(rate.samples.len() < 50);
    }

    #[test]
    fn falling_back_does_not_make_a_negative_rate() {
        let begin = Instant::now();
        let mut rate = Rate::default();
        rate.at(9_000, begin);
        rate.at(4_000, begin + Duration::from_secs(1));
        assert_eq!(rate.per_second(begin + Duration::from_secs(1)), None);
        rate.at(6_000, begin + Duration::from_secs(2));
        assert_eq!(rate.per_second(begin + Duration::from_secs(2)), Some(2_000.0));
    }

    #[test]
    fn intervals_hold() {
        let begin = Instant::now();
        let second = Duration::from_secs(1);
        let mut every = Every::new(second);
        assert!(every.due(begin) && !every.due(begin + second / 2) && every.due(begin + second));
        assert!(!Every::after(second, begin).due(begin + second / 2));
    }
}
