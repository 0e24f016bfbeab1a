//! Bit rates that manifests promise.

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
fn peak(spans: &[Span], timescale: u64, target_duration_s: u64) -> Option<u64> {
    let target = u128::from(target_duration_s) * u128::from(timescale);
    let window = |first: usize| {
        let mut load = Load::default();
        let mut highest = None;
        for span in &spans[first..] {
            load = load.plus(span);
            if load.ticks * 2 > target * 3 {
                break;
            }
            if load.ticks * 2 >= target {
                highest = highest.max(Some(load.bits_per_second(timescale)));
            }
        }
        highest
    };
    (0..spans.len()).filter_map(window).max()
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

    #[test]
    fn rates_add_up() {
        let a = Rate { peak: 5, average: Some(3) };
        let b = Rate { peak: 2, average: Some(4) };
        assert_eq!(a.plus(b), Rate { peak: 7, average: Some(7) });
        assert_eq!(a.or_heavier(b), Rate { peak: 5, average: Some(4) });
        assert_eq!(a.plus(Rate { peak: 1, average: None }), Rate { peak: 6, average: None });
    }
}
