//! Frame rates and the frame grid.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::ticks;

/// Frames a second as an exact fraction: 30000/1001, never 29.97.
///
/// A rate is also the grid on which every frame of a rendition lies: frame `n` is presented at
/// `n × den / num` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameRate {
    /// Frames…
    pub num: NonZeroU32,
    /// …in this many seconds.
    pub den: NonZeroU32,
}

impl FrameRate {
    /// `num / den` frames a second, in lowest terms; `None` when either is 0.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        let divisor = gcd(num, den);
        Some(Self {
            num: NonZeroU32::new(num.checked_div(divisor)?)?,
            den: NonZeroU32::new(den.checked_div(divisor)?)?,
        })
    }

    /// The rate of every `divisor`-th frame.
    pub fn divided(self, divisor: NonZeroU32) -> Self {
        Self::new(self.num.get(), self.den.get().saturating_mul(divisor.get()))
            .expect("neither part of a rate is 0")
    }

    /// The timescale in which one frame lasts a whole number of ticks: MPEG's 90 000 where it
    /// is a multiple of `num`, else the smallest multiple of `num` that is at least 10 000.
    pub fn timescale(self) -> u32 {
        const MPEG: u32 = 90_000;
        let num = self.num.get();
        if MPEG.is_multiple_of(num) { MPEG } else { num.saturating_mul(10_000_u32.div_ceil(num)) }
    }

    /// Ticks a frame lasts in [`Self::timescale`]. Exact.
    pub fn frame_ticks(self) -> u32 {
        let ticks =
            u64::from(self.timescale()) * u64::from(self.den.get()) / u64::from(self.num.get());
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    /// When frame `n` is presented, in nanoseconds after frame 0, rounded to nearest.
    pub fn frame_nanos(self, n: u64) -> u64 {
        self.frames_in(n, ticks::NANOS)
    }

    /// When frame `n` is presented, in microseconds after frame 0, rounded to nearest.
    pub fn frame_micros(self, n: u64) -> u64 {
        self.frames_in(n, ticks::MICROS)
    }

    /// The grid position nearest to `nanos` after frame 0; times before it count as 0.
    pub fn nearest_frame(self, nanos: i64) -> u64 {
        let (num, den) = (i128::from(self.num.get()), i128::from(self.den.get()));
        let second = i128::from(ticks::NANOS);
        let frame = (i128::from(nanos) * num * 2 + den * second).div_euclid(den * second * 2);
        u64::try_from(frame.max(0)).unwrap_or(u64::MAX)
    }

    /// Whole frames that are nearest to `seconds`, at least 1: the length of a GOP.
    pub fn frames_nearest(self, seconds: u32) -> u64 {
        self.nearest_frame(i64::from(seconds) * 1_000_000_000).max(1)
    }

    fn frames_in(self, n: u64, scale: u64) -> u64 {
        let (num, den) = (u128::from(self.num.get()), u128::from(self.den.get()));
        let time = (u128::from(n) * den * u128::from(scale) * 2 + num) / (num * 2);
        u64::try_from(time).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timescales_hold_a_frame_exactly() {
        let cases = [
            (30, 1, 90_000, 3000),
            (30_000, 1001, 90_000, 3003),
            (24_000, 1001, 24_000, 1001),
            (25, 1, 90_000, 3600),
            (17, 1, 10_013, 589),
        ];
        for (num, den, timescale, frame) in cases {
            let rate = FrameRate::new(num, den).unwrap();
            assert_eq!((rate.timescale(), rate.frame_ticks()), (timescale, frame), "{rate}");
        }
        assert!(FrameRate::new(0, 1).is_none());
        assert!(FrameRate::new(1, 0).is_none());
        assert_eq!(FrameRate::new(60, 2), FrameRate::new(30, 1));
    }

    proptest::proptest! {
        #[test]
        fn a_frame_is_nearest_to_its_own_time(num in 1u32..120_000, den in 1u32..1002, n in 0u64..1_000_000) {
            let rate = FrameRate::new(num, den).unwrap();
            // Above 1 GHz frames would be closer than a nanosecond; ours are not.
            let nanos = i64::try_from(rate.frame_nanos(n)).unwrap();
            proptest::prop_assert_eq!(rate.nearest_frame(nanos), n);
        }
    }
}
