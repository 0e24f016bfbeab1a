//! How fast the published front moves, and whether playback that starts now would ever catch up
//! with it.

/// The weight of the past fades with this, microseconds.
const MEMORY_US: f64 = 20_000_000.0;

/// The published front of a growing presentation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Front {
    /// Media published from the beginning on, microseconds.
    pub published_us: u64,
    /// When it last moved, microseconds since 1970; before that, when encoding began.
    pub moved_at_us: i64,
    /// Media a wall second, smoothed; 0 before it first moved.
    pub speed: f64,
}

impl Front {
    /// The front after it moved to `published_us`.
    pub(crate) fn moved(self, published_us: u64, now_us: i64) -> Self {
        let gained = published_us.saturating_sub(self.published_us) as f64;
        // Two results in one moment do not make the front infinitely fast.
        let elapsed = now_us.saturating_sub(self.moved_at_us).max(1000) as f64;
        let speed = if self.published_us == 0 {
            gained / elapsed
        } else {
            let weight = 1.0 - (-elapsed / MEMORY_US).exp();
            self.speed + weight * (gained / elapsed - self.speed)
        };
        Self { published_us, moved_at_us: now_us, speed }
    }

    /// Whether playback that starts now reaches the end of `duration_us` without catching up
    /// with the front, `margin_us` to spare: the rest must be published before playback needs
    /// it. Believes the slower of the recent speed and the average since `began_at_us`.
    pub(crate) fn plays_through(
        &self,
        duration_us: u64,
        margin_us: u64,
        began_at_us: i64,
        now_us: i64,
    ) -> bool {
        let elapsed = now_us.saturating_sub(began_at_us).max(1000) as f64;
        let speed = self.speed.min(self.published_us as f64 / elapsed);
        let left_us = duration_us.saturating_sub(self.published_us) as f64;
        speed > 0.0 && left_us / speed <= duration_us.saturating_sub(margin_us) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    /// Publishes `step` seconds every `every` seconds; after how many seconds it plays through.
    fn plays_through_after(duration: u64, step: u64, every: u64) -> Option<u64> {
        let mut front = Front { published_us: 0, moved_at_us: 0, speed: 0.0 };
        for n in 1..=duration / step {
            let now_us = i64::try_from(n * every * SECOND).unwrap();
            front = front.moved(n * step * SECOND, now_us);
            if front.plays_through(duration * SECOND, 2 * SECOND, 0, now_us) {
                return Some(n * every);
            }
        }
        None
    }

    #[test]
    fn a_fast_encode_plays_through_at_once_and_a_slow_one_late() {
        assert_eq!(plays_through_after(100, 4, 1), Some(1));
        // At half speed, (100 − P) / 0.5 ≤ 98 from P = 52 on.
        assert_eq!(plays_through_after(100, 4, 8), Some(104));
        assert_eq!(plays_through_after(100, 1, 100), Some(10_000));
    }

    #[test]
    fn a_burst_does_not_hide_a_slow_past() {
        let front = Front { published_us: 0, moved_at_us: 0, speed: 0.0 };
        let front = front.moved(2 * SECOND, 60_000_000).moved(30 * SECOND, 60_100_000);
        assert!(!front.plays_through(100 * SECOND, 2 * SECOND, 0, 60_100_000));
    }
}
