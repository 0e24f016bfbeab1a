//! Bit rates that manifests promise.

use std::collections::VecDeque;

use kinora_media::{Head, Status, Track};

use crate::{
    PackagerError,
    presentation::{Presentation, Span},
};

/// What a track needs, in bits a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rate {
    /// At most, over about a target duration.
    pub(crate) peak: u64,
    /// Over the whole track; known only when measured.
    pub(crate) average: Option<u64>,
}

impl Rate {
    /// The rate of a track: measured in versions that were complete when first published, else
    /// the plan's cap, because players have read it and it must not change.
    pub(crate) fn of(
        presentation: &Presentation<'_>,
        track: &Track,
    ) -> Result<Self, PackagerError> {
        let spans = presentation.spans(track)?;
        Ok(Self::from_spans(presentation.head, track, &spans))
    }

    /// As [`Self::of`], for a track whose segments are known.
    pub(crate) fn from_spans(head: &Head, track: &Track, spans: &[Span]) -> Self {
        if !(head.first_published_complete && head.status == Status::Complete) {
            return Self { peak: track.max_bandwidth, average: None };
        }
        let timescale = u64::from(track.timescale);
        let average = total(spans.iter()).bits_per_second(timescale);
        let peak = peak(spans, timescale, u64::from(head.target_duration_s)).unwrap_or(average);
        Self { peak, average: Some(average) }
    }

    /// The rate of both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        let sum = |a: u64, b: u64| a.saturating_add(b);
        Self {
            peak: sum(self.peak, other.peak),
            average: self.average.zip(other.average).map(|(a, b)| sum(a, b)),
        }
    }

    /// The heavier of both, peak and average on their own.
    pub(crate) fn or_heavier(self, other: Self) -> Self {
        Self { peak: self.peak.max(other.peak), average: self.average.max(other.average) }
    }
}

/// The largest rate of consecutive segments that last between half and one and a half target
/// durations together (RFC 8216 4.1); `None` if there are none.
///
/// Dinkelbach's method: of all windows take the one that is farthest above the rate known, whose own
/// rate is the next, until none is above. That takes a few walks over the segments, however many of
/// them a window has.
fn peak(spans: &[Span], timescale: u64, target_duration_s: u64) -> Option<u64> {
    let target = u128::from(target_duration_s) * u128::from(timescale);
    let sums: Vec<_> = std::iter::once(Load::default())
        .chain(spans.iter().scan(Load::default(), |sum, span| {
            *sum = sum.plus(span);
            Some(*sum)
        }))
        .collect();
    let mut highest = farthest_above(&sums, target, Load { bytes: 0, ticks: 1 })?;
    while let Some(higher) = farthest_above(&sums, target, highest)
        && higher.above(highest) > 0
    {
        highest = higher;
    }
    Some(highest.bits_per_second(timescale))
}

/// Of the windows of about a target duration the one whose bytes are most above those of `rate`.
/// `sums` are the loads up to each segment.
fn farthest_above(sums: &[Load], target: u128, rate: Load) -> Option<Load> {
    let lasts = |first: usize, end: usize| (sums[end].ticks - sums[first].ticks) * 2;
    let mut farthest: Option<(i128, Load)> = None;
    // Where a window may begin, lowest first; what is neither lower nor later than another is gone.
    let mut firsts: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    for end in 1..sums.len() {
        while next < end && lasts(next, end) >= target {
            let above = sums[next].above(rate);
            while firsts.pop_back_if(|last| sums[*last].above(rate) >= above).is_some() {}
            firsts.push_back(next);
            next += 1;
        }
        while firsts.pop_front_if(|first| lasts(*first, end) > target * 3).is_some() {}
        let Some(&first) = firsts.front() else { continue };
        let window = sums[end].less(sums[first]);
        let above = window.above(rate);
        if farthest.is_none_or(|(most, _)| above > most) {
            farthest = Some((above, window));
        }
    }
    farthest.map(|(_, window)| window)
}

fn total<'a>(spans: impl Iterator<Item = &'a Span>) -> Load {
    spans.fold(Load::default(), |load, span| load.plus(span))
}

/// Bytes over a time.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    bytes: u128,
    ticks: u128,
}

impl Load {
    fn plus(self, span: &Span) -> Self {
        Self {
            bytes: self.bytes + u128::from(span.size),
            ticks: self.ticks + u128::from(span.duration),
        }
    }

    /// What is left of it without its beginning.
    fn less(self, beginning: Self) -> Self {
        Self { bytes: self.bytes - beginning.bytes, ticks: self.ticks - beginning.ticks }
    }

    /// How far it is above a rate, in units that suit that rate alone.
    fn above(self, rate: Self) -> i128 {
        let product = |a: u128, b: u128| i128::try_from(a.saturating_mul(b)).unwrap_or(i128::MAX);
        product(self.bytes, rate.ticks).saturating_sub(product(self.ticks, rate.bytes))
    }

    /// Rounded up: a promise to keep.
    fn bits_per_second(self, timescale: u64) -> u64 {
        let bits = self.bytes * 8 * u128::from(timescale);
        u64::try_from(bits.div_ceil(self.ticks.max(1))).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(duration: u64, size: u64) -> Span {
        Span { start: 0, duration, size, key_frame: None }
    }

    #[test]
    fn the_peak_is_over_about_a_target_duration() {
        // A last scrap of 0.1 s is too short to count alone; with its neighbour it does.
        let spans = [span(20, 100), span(20, 300), span(1, 100)];
        assert_eq!(peak(&spans, 10, 2), Some(((300 + 100) * 8 * 10_u64).div_ceil(21)));
        assert_eq!(peak(&spans[..2], 10, 2), Some(1200));
        assert_eq!(peak(&[span(1, 100)], 10, 2), None);
    }

    /// By its definition.
    fn peak_of_all(spans: &[Span], timescale: u64, target_s: u64) -> Option<u64> {
        let target = u128::from(target_s * timescale);
        let windows = (0..spans.len()).flat_map(|first| {
            (first + 1..=spans.len()).map(move |end| total(spans[first..end].iter()))
        });
        let windows = windows.filter(|it| (target..=target * 3).contains(&(it.ticks * 2)));
        windows.map(|window| window.bits_per_second(timescale)).max()
    }

    proptest::proptest! {
        #[test]
        fn the_peak_is_that_of_all_windows(
            rows in proptest::collection::vec((0_u64..25, 0_u64..1000), 0..40),
            target in 0_u64..4,
        ) {
            let spans: Vec<_> = rows.iter().map(|&(ticks, size)| span(ticks, size)).collect();
            assert_eq!(peak(&spans, 10, target), peak_of_all(&spans, 10, target));
        }
    }

    #[test]
    fn a_long_segment_makes_the_peak_of_short_ones_no_slower() {
        // Every window of short ones has up to 100 000 of them: by definition, five thousand
        // million sums.
        let short =
            (0..100_000).map(|n| span(1, if (40_000..50_000).contains(&n) { 3 } else { 1 }));
        let spans: Vec<_> = short.chain([span(100_000, 1)]).collect();
        // Half a target duration with all that is dense, and four times as much that is not.
        let dense = (3 * 10_000 + 40_000) * 8_u64;
        assert_eq!(peak(&spans, 1, 100_000), Some(dense.div_ceil(50_000)));
    }

    #[test]
    fn rates_add_up() {
        let a = Rate { peak: 5, average: Some(3) };
        let b = Rate { peak: 2, average: Some(4) };
        assert_eq!(a.plus(b), Rate { peak: 7, average: Some(7) });
        assert_eq!(a.or_heavier(b), Rate { peak: 5, average: Some(4) });
        assert_eq!(a.plus(Rate { peak: 1, average: None }), Rate { peak: 6, average: None });
    }
}
