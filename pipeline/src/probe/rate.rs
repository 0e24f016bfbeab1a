//! The frame grid of a stream, measured from when its frames are presented.
//!
//! Containers lie about rates: some round times to milliseconds, some name a field rate, some
//! the least common multiple. Times do not, so the rate is the one whose grid fits them best.

use kinora_media::FrameRate;

/// Rates that sources mean, and the only ones to round to.
const COMMON: [(u32, u32); 21] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48_000, 1001),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (120_000, 1001),
    (120, 1),
    (240, 1),
    (100, 1),
    (20, 1),
    (15_000, 1001),
    (15, 1),
    (25, 2),
    (12, 1),
    (10, 1),
    (5, 1),
];
/// Above this nothing is encoded.
const MOST_FPS: u32 = 60;
/// The grid of a stream that has a single frame.
const SINGLE: (u32, u32) = (30, 1);
/// A frame this far from its place, in thousandths of a frame, still belongs to it.
const TOLERANCE_PERMILLE: u128 = 350;
/// Of irregular frames so many percent must find a place of their own for a rate to fit.
const MOST_PERCENT: usize = 90;
const SECOND_NS: u128 = 1_000_000_000;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    /// The grid.
    pub(super) rate: FrameRate,
    /// Whether frames fall beside it, so that it doubles or drops some.
    pub(super) variable: bool,
}

/// The grid for frames presented at `windows` (ascending nanoseconds; each window without gaps in
/// what was read), where the container claims the rate `claimed`.
pub(super) fn measure(windows: &[Vec<i64>], claimed: Option<FrameRate>) -> Measured {
    let Some(average) = average_ns(windows) else {
        let rate = claimed.filter(|rate| is_common(*rate)).unwrap_or(rate(SINGLE));
        return Measured { rate: capped(rate), variable: false };
    };
    let near: Vec<FrameRate> = COMMON
        .iter()
        .map(|&pair| rate(pair))
        .chain(claimed)
        .chain(fraction(average))
        .filter(|rate| is_near(*rate, average))
        .collect();
    // A rate everyone uses is meant even where another fits the rounding of times better.
    let (usual, own): (Vec<_>, Vec<_>) = near.into_iter().partition(|r| is_common(*r));
    let constant = best_constant(windows, &usual).or_else(|| best_constant(windows, &own));
    match constant {
        Some(rate) => Measured { rate: capped(rate), variable: capped(rate) != rate },
        None => Measured { rate: capped(best_variable(windows, average)), variable: true },
    }
}

/// Of the rates on whose grid every frame lies, in sequence, the one that fits best.
fn best_constant(windows: &[Vec<i64>], rates: &[FrameRate]) -> Option<FrameRate> {
    let fits = rates.iter().filter_map(|rate| Some((misfit(windows, *rate)?, *rate)));
    fits.min_by_key(|(misfit, _)| *misfit).map(|(_, rate)| rate)
}

/// Mean distance of frames from their places, in nanoseconds; `None` if one lies too far away.
fn misfit(windows: &[Vec<i64>], rate: FrameRate) -> Option<u128> {
    let tolerance = u128::from(rate.frame_nanos(1)) * TOLERANCE_PERMILLE / 1000;
    let (mut sum, mut count) = (0_u128, 0_u128);
    for window in windows {
        let first = *window.first()?;
        for (n, &time) in (0_u64..).zip(window) {
            let place = i128::from(rate.frame_nanos(n));
            let distance = (i128::from(time) - i128::from(first) - place).unsigned_abs();
            if distance > tolerance {
                return None;
            }
            sum += distance;
            count += 1;
        }
    }
    Some(sum / count.max(1))
}

/// A grid for irregular frames: the slowest common one that gives nearly every frame a place of
/// its own; of rates like 29.97 and 30 the one whose places are nearest.
fn best_variable(windows: &[Vec<i64>], average_ns: u128) -> FrameRate {
    let median_ns = median_ns(windows).unwrap_or(average_ns).max(1);
    let fastest_ns = median_ns.min(average_ns);
    // One in fifty faster than a rate is jitter.
    let reaches = |rate: &FrameRate| u128::from(rate.frame_nanos(1)) * 50 <= fastest_ns * 51;
    let mut rates: Vec<FrameRate> = COMMON.iter().map(|&pair| rate(pair)).collect();
    rates.retain(|rate| capped(*rate) == *rate && reaches(rate));
    rates.sort_by_key(|rate| std::cmp::Reverse(rate.frame_nanos(1)));
    let placed = rates.iter().find(|rate| placed_percent(windows, **rate) >= MOST_PERCENT);
    let Some(slowest) = placed.or(rates.last()) else { return rate((MOST_FPS, 1)) };
    let slowest_ns = u128::from(slowest.frame_nanos(1));
    rates
        .iter()
        .filter(|rate| is_near(**rate, slowest_ns))
        .min_by_key(|rate| distance_from_grid(windows, **rate))
        .copied()
        .unwrap_or(*slowest)
}

fn distance_from_grid(windows: &[Vec<i64>], rate: FrameRate) -> u128 {
    let of_window = |window: &Vec<i64>| {
        let first = window.first().copied().unwrap_or(0);
        let distance = |time: &i64| {
            let after = time.saturating_sub(first);
            let place = i128::from(rate.frame_nanos(rate.nearest_frame(after)));
            (i128::from(after) - place).unsigned_abs()
        };
        window.iter().map(distance).sum::<u128>()
    };
    windows.iter().map(of_window).sum()
}

fn placed_percent(windows: &[Vec<i64>], rate: FrameRate) -> usize {
    let (mut placed, mut all) = (0, 0);
    for window in windows {
        let Some(first) = window.first() else { continue };
        let mut places: Vec<u64> =
            window.iter().map(|time| rate.nearest_frame(time.saturating_sub(*first))).collect();
        all += places.len();
        places.dedup();
        placed += places.len();
    }
    (placed * 100).checked_div(all).unwrap_or(0)
}

fn average_ns(windows: &[Vec<i64>]) -> Option<u128> {
    let (mut span, mut steps) = (0_u128, 0_u128);
    for window in windows {
        if let [first, .., last] = window[..] {
            span += u128::try_from(i128::from(last) - i128::from(first)).unwrap_or(0);
            steps += window.len() as u128 - 1;
        }
    }
    span.checked_div(steps).filter(|average| *average > 0)
}

fn median_ns(windows: &[Vec<i64>]) -> Option<u128> {
    let steps =
        windows.iter().flat_map(|window| window.windows(2).map(|w| w[1].saturating_sub(w[0])));
    let mut steps: Vec<i64> = steps.filter(|step| *step > 0).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).and_then(|step| u128::try_from(*step).ok())
}

/// Whether a frame of this rate lasts within 3 % of `average_ns`.
fn is_near(rate: FrameRate, average_ns: u128) -> bool {
    let frame_ns = u128::from(rate.frame_nanos(1));
    frame_ns.abs_diff(average_ns) * 100 <= average_ns * 3
}

fn is_common(candidate: FrameRate) -> bool {
    COMMON.iter().any(|&pair| rate(pair) == candidate)
}

/// A rate of which every frame lasts `average_ns`, to a part in a million.
fn fraction(average_ns: u128) -> Option<FrameRate> {
    let num = (SECOND_NS * 1000 + average_ns / 2) / average_ns;
    FrameRate::new(u32::try_from(num).ok()?, 1000)
}

/// Every so-many-th frame, so that at most [`MOST_FPS`] are left; at least one in two seconds.
fn capped(candidate: FrameRate) -> FrameRate {
    let (num, den) = (u64::from(candidate.num.get()), u64::from(candidate.den.get()));
    let divisor = num.div_ceil(den * u64::from(MOST_FPS)).max(1);
    let divisor = u32::try_from(divisor).ok().and_then(std::num::NonZeroU32::new);
    let capped = divisor.map_or(candidate, |divisor| candidate.divided(divisor));
    let slow = u64::from(capped.num.get()) * 2 < u64::from(capped.den.get());
    if slow { rate((1, 2)) } else { capped }
}

fn rate((num, den): (u32, u32)) -> FrameRate {
    FrameRate::new(num, den).expect("a constant fraction without 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` frames of a rate, times rounded to `step` nanoseconds.
    fn frames(pair: (u32, u32), count: u64, step: i64) -> Vec<i64> {
        let rate = rate(pair);
        let time = |n| i64::try_from(rate.frame_nanos(n)).unwrap() + 7_000_000;
        (0..count).map(|n| (time(n) + step / 2) / step * step).collect()
    }

    fn found(times: Vec<i64>) -> (String, bool) {
        let measured = measure(&[times], None);
        (measured.rate.to_string(), measured.variable)
    }

    #[test]
    fn common_rates_are_recognised_however_times_are_rounded() {
        for pair in COMMON {
            let expected = capped(rate(pair));
            // Ten seconds: enough to tell 29.97 from 30 in milliseconds.
            let count = u64::from(pair.0 / pair.1) * 10 + 1;
            for step in [1, 11_111, 1_000_000] {
                let measured = measure(&[frames(pair, count, step)], None);
                assert_eq!(measured.rate, expected, "{pair:?} in steps of {step} ns");
                assert_eq!(measured.variable, expected != rate(pair));
            }
        }
    }

    #[test]
    fn a_second_in_milliseconds_is_enough_for_common_rates() {
        for (pair, expected) in [
            ((30_000, 1001), "30000/1001"),
            ((30, 1), "30/1"),
            ((25, 1), "25/1"),
            ((60, 1), "60/1"),
        ] {
            assert_eq!(found(frames(pair, 30, 1_000_000)), (expected.to_owned(), false));
        }
    }

    #[test]
    fn an_odd_but_steady_rate_is_kept() {
        assert_eq!(found(frames((17, 1), 200, 1)), ("17/1".to_owned(), false));
        let claimed = FrameRate::new(90_000, 3001);
        let hour = frames((90_000, 3001), 3000, 11_111);
        assert_eq!(measure(&[hour], claimed).rate, claimed.unwrap());
    }

    #[test]
    fn a_lie_about_the_rate_is_not_believed() {
        let measured = measure(&[frames((25, 1), 100, 1)], FrameRate::new(50, 1));
        assert_eq!(measured.rate, rate((25, 1)));
    }

    #[test]
    fn telecine_judder_is_the_film_rate() {
        // 24 frames a second shown on 60: two and three fields in turn.
        let times = (0..100_i64).map(|n| (n * 5 / 2) * 16_666_667).collect();
        assert_eq!(found(times), ("24/1".to_owned(), false));
    }

    #[test]
    fn missing_frames_make_a_grid_that_repeats() {
        let mut times = frames((30, 1), 300, 1);
        times.retain(|time| time / 1_000_000 % 900 > 200);
        assert_eq!(found(times), ("30/1".to_owned(), true));
    }

    #[test]
    fn wild_times_still_get_a_grid() {
        let slow_motion = vec![0, 33_333_333, 66_666_666, 100_000_000, 233_000_000, 366_000_000];
        assert_eq!(found(slow_motion), ("30/1".to_owned(), true));
        assert_eq!(found(vec![0]), ("30/1".to_owned(), false));
        assert_eq!(found(vec![]), ("30/1".to_owned(), false));
        assert_eq!(found(vec![5, 5, 5]), ("30/1".to_owned(), false));
        assert_eq!(found(vec![0, 3_600_000_000_000]).0, "5/1");
        assert_eq!(found(vec![0, 1, 2, 3]).0, "60/1");
        assert_eq!(found(vec![i64::MIN, i64::MAX]).0, "5/1");
        assert_eq!(found(frames((1, 10), 20, 1)).0, "1/2");
    }

    proptest::proptest! {
        #[test]
        fn any_times_give_a_rate_in_bounds(mut times in proptest::collection::vec(proptest::num::i64::ANY, 0..40)) {
            times.sort_unstable();
            let rate = measure(&[times], None).rate;
            proptest::prop_assert!(rate.num.get() <= rate.den.get() * 60);
            proptest::prop_assert!(rate.num.get() * 2 >= rate.den.get());
        }
    }
}
