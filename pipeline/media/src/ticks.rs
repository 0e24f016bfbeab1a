//! Exact conversion between timescales.
//!
//! A time is a count of ticks; the timescale (ticks a second) travels beside it. Conversions go
//! through 128 bits, so no product of two 64-bit values overflows.

/// `ticks` of `from` ticks a second, in `to` ticks a second, rounded to nearest (halves up).
///
/// # Panics
/// When `from` is 0: a timescale is never 0.
pub fn rescale(ticks: i64, from: u64, to: u64) -> i64 {
    assert!(from > 0, "a timescale is never 0");
    let (ticks, from, to) = (i128::from(ticks), i128::from(from), i128::from(to));
    let scaled = (ticks * to * 2 + from).div_euclid(from * 2);
    i64::try_from(scaled).unwrap_or(if scaled > 0 { i64::MAX } else { i64::MIN })
}

/// As [`rescale`], rounded down.
///
/// # Panics
/// When `from` is 0.
pub fn rescale_floor(ticks: i64, from: u64, to: u64) -> i64 {
    assert!(from > 0, "a timescale is never 0");
    let scaled = (i128::from(ticks) * i128::from(to)).div_euclid(i128::from(from));
    i64::try_from(scaled).unwrap_or(if scaled > 0 { i64::MAX } else { i64::MIN })
}

/// Microseconds a second: wall time and durations outside a track.
pub const MICROS: u64 = 1_000_000;
/// Nanoseconds a second: GStreamer's clock time, used for source timestamps.
pub const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_nearest_and_down() {
        assert_eq!(rescale(1001, 30_000, NANOS), 33_366_667);
        assert_eq!(rescale_floor(1001, 30_000, NANOS), 33_366_666);
        assert_eq!(rescale(-1, 2, 1), 0);
        assert_eq!(rescale_floor(-1, 2, 1), -1);
        assert_eq!(rescale(i64::MAX, 1, 1), i64::MAX);
        assert_eq!(rescale(i64::MAX, 1, 2), i64::MAX);
    }

    proptest::proptest! {
        #[test]
        fn a_finer_scale_and_back_is_exact(ticks in -1_000_000_000_000i64..1_000_000_000_000, k in 1u64..1000) {
            proptest::prop_assert_eq!(rescale(rescale(ticks, 90_000, 90_000 * k), 90_000 * k, 90_000), ticks);
        }
    }
}
