//! Where to look.

use super::Sample;
use crate::VideoPlan;

/// The most places that are looked at.
pub(super) const MOST_SAMPLES: u64 = 8;
/// Of a title's frames at most this many of a hundred are looked at: with every rung encoded
/// once, the top one three times, and judged, that keeps the analysis below 15 % of the encode.
const FRAMES_PERCENT: u64 = 4;
/// A sample is long enough for the encoder's lookahead to see ahead…
const LEAST_NS: i64 = 800_000_000;
/// …and no longer than a GOP usually is.
const MOST_NS: i64 = 2_000_000_000;

/// Places spread evenly over the title, each on the source's key frame next to the middle of its
/// stretch, because decoding from there is cheapest; then as many to fall back on where the first
/// are black. The second value is how many are enough: 0 for a title too short to be worth it.
pub(super) fn samples(video: &VideoPlan) -> (Vec<Sample>, u32) {
    let rate = video.stream.frame_rate;
    let least = rate.nearest_frame(LEAST_NS).max(2);
    let most = rate.nearest_frame(MOST_NS).max(least);
    let budget = video.frames.saturating_mul(FRAMES_PERCENT) / 100;
    let count = (budget / least).min(MOST_SAMPLES);
    let Some(share) = budget.checked_div(count) else { return (vec![], 0) };
    let frames = share.clamp(least, most);
    let keys = key_positions(video);
    let mut samples: Vec<Sample> = Vec::new();
    // Middles first, then quarters.
    for (numerator, denominator) in [(1, 2), (1, 4)] {
        for slot in 0..count {
            let (start, end) = (video.frames * slot / count, video.frames * (slot + 1) / count);
            let middle = start + (end - start) * numerator / denominator;
            let wanted = middle.saturating_sub(frames / 2);
            let latest = (end - frames.min(end)).max(start);
            let first_frame = nearest_key(&keys, wanted, (start, latest)).unwrap_or(wanted);
            let sample = Sample { first_frame, frames };
            if !samples.contains(&sample) {
                samples.push(sample);
            }
        }
    }
    (samples, u32::try_from(count).unwrap_or(u32::MAX))
}

fn key_positions(video: &VideoPlan) -> Vec<u64> {
    let stream = &video.stream;
    let place = |key: &u64| {
        let after = i128::from(*key) - i128::from(stream.first_pts_ns);
        stream.frame_rate.nearest_frame(i64::try_from(after).unwrap_or(i64::MAX))
    };
    let mut keys: Vec<u64> = stream.key_frames_ns.iter().map(place).collect();
    keys.sort_unstable();
    keys
}

fn nearest_key(keys: &[u64], wanted: u64, (from, to): (u64, u64)) -> Option<u64> {
    let within = keys.iter().copied().filter(|key| (from..=to).contains(key));
    within.min_by_key(|key| key.abs_diff(wanted))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{SECOND, plan_by_default, report, video};

    fn film(seconds: u64, fps: u32, key_every: u64) -> VideoPlan {
        let mut stream = video(640, 360, fps);
        stream.end_pts_ns = stream.first_pts_ns + seconds * SECOND;
        stream.key_frames_ns =
            (0..seconds).step_by(key_every as usize).map(|n| (1 + n) * SECOND).collect();
        plan_by_default(&report(Some(stream), vec![])).unwrap().video.unwrap()
    }

    #[test]
    fn long_films_get_eight_places_on_key_frames() {
        let (samples, wanted) = samples(&film(800, 30, 10));
        assert_eq!((samples.len(), wanted), (16, 8));
        assert!(samples.iter().all(|s| s.first_frame % 300 == 0 && s.frames == 60), "{samples:?}");
        assert_eq!(samples[0].first_frame, 1500);
    }

    #[test]
    fn short_ones_get_fewer_and_the_shortest_none() {
        let lengths = [(1, 0), (19, 0), (20, 1), (60, 3), (160, 8), (7200, 8)];
        for (seconds, expected) in lengths {
            assert_eq!(samples(&film(seconds, 30, 2)).1, expected, "{seconds} s");
        }
    }

    proptest! {
        #[test]
        fn samples_lie_within_the_film_and_within_budget(
            seconds in 1u64..4000, fps in 1u32..61, key_every in 1u64..40,
        ) {
            let film = film(seconds, fps, key_every);
            let (samples, wanted) = samples(&film);
            prop_assert!(u64::from(wanted) <= MOST_SAMPLES && wanted as usize <= samples.len());
            let looked_at: u64 = samples.iter().take(wanted as usize).map(|s| s.frames).sum();
            prop_assert!(looked_at * 100 <= film.frames * FRAMES_PERCENT);
            for sample in samples {
                prop_assert!(sample.first_frame + sample.frames <= film.frames);
            }
        }
    }
}
