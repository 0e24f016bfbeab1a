//! Where a soundtrack is cut: at the frame nearest to where the picture is.

use kinora_media::ticks;
use kinora_plan::encoder::AudioSpec;

use super::encoder::FRAME;

/// A last segment of so few frames (a third of a second) is no use to a player: it joins the one
/// before, if that stays within the target duration.
pub(super) const SMALL_TAIL: u64 = 16;

/// Frame counts at which segments end, ascending, without end.
pub(super) struct Cuts {
    boundaries: std::vec::IntoIter<u64>,
    last_boundary_ns: u64,
    segment_ns: u64,
    rate: u64,
    priming: u64,
    last: u64,
}

impl Cuts {
    pub(super) fn new(spec: &AudioSpec, priming: u32) -> Self {
        Self {
            boundaries: spec.boundaries_ns.clone().into_iter(),
            last_boundary_ns: 0,
            segment_ns: spec.segment_ns.max(1_000_000),
            rate: u64::from(spec.sample_rate.max(1)),
            priming: u64::from(priming),
            last: 0,
        }
    }

    /// The next cut: the number of frames before it. Frame `i` is heard from sample
    /// `i × 1024 − priming` on.
    pub(super) fn next(&mut self) -> u64 {
        loop {
            let boundary_ns = self
                .boundaries
                .next()
                .unwrap_or_else(|| self.last_boundary_ns.saturating_add(self.segment_ns));
            self.last_boundary_ns = self.last_boundary_ns.max(boundary_ns);
            let boundary = i64::try_from(boundary_ns).unwrap_or(i64::MAX);
            let sample = ticks::rescale(boundary, ticks::NANOS, self.rate);
            let sample = u64::try_from(sample).unwrap_or(0);
            let cut = sample.saturating_add(self.priming).saturating_add(FRAME / 2) / FRAME;
            if cut > self.last {
                self.last = cut;
                return cut;
            }
        }
    }
}

/// The longest segment, in whole seconds as HLS rounds them, that a joined tail may make.
pub(super) fn most_seconds(spec: &AudioSpec) -> u64 {
    let starts = std::iter::once(&0).chain(&spec.boundaries_ns);
    let gaps = spec.boundaries_ns.iter().zip(starts).map(|(end, start)| end.saturating_sub(*start));
    let longest = gaps.chain([spec.segment_ns]).max().unwrap_or(0);
    longest.saturating_add(ticks::NANOS / 2) / ticks::NANOS
}

/// Seconds of so many frames, as HLS rounds them.
pub(super) fn rounded_seconds(frames: u64, rate: u64) -> u64 {
    (frames.saturating_mul(FRAME) * 2 + rate) / (rate * 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::tests::spec;

    fn cuts(boundaries_s: &[u64], rate: u32, priming: u32, count: usize) -> Vec<u64> {
        let mut spec = spec();
        spec.sample_rate = rate;
        spec.boundaries_ns = boundaries_s.iter().map(|s| s * 1_000_000_000).collect();
        spec.segment_ns = 4_000_000_000;
        let mut cuts = Cuts::new(&spec, priming);
        (0..count).map(|_| cuts.next()).collect()
    }

    #[test]
    fn cuts_are_nearest_in_presentation_time() {
        // 2 s are 93.75 frames of 48 kHz; one frame of priming comes before.
        assert_eq!(cuts(&[2, 4, 8], 48_000, 1024, 5), [95, 189, 376, 564, 751]);
        assert_eq!(cuts(&[2], 44_100, 1600, 2), [88, 260]);
        assert_eq!(cuts(&[0, 2, 2, 1], 48_000, 0, 2), [94, 281], "never backwards");
    }

    proptest::proptest! {
        #[test]
        fn cuts_never_drift(rate in 8000u32..96_001, priming in 0u32..4096, n in 1usize..4000) {
            let cut = cuts(&[], rate, priming, n)[n - 1];
            let heard = i128::from(cut * FRAME) - i128::from(priming);
            let wanted = i128::from(rate) * 4 * n as i128;
            proptest::prop_assert!((heard - wanted).abs() <= 512);
        }
    }
}
