//! Which segments of a track lie in which period of the presentation.

use std::ops::Range;

use kinora_media::{FIRST_INIT, Period, Track, TrackKind};

use crate::{
    PackagerError,
    presentation::{Presentation, Span},
};

/// The segments of one track in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch<'a> {
    /// Which period, counted from 0.
    pub(crate) period: usize,
    /// When the period starts, ticks of the track: exact for the picture, the nearest tick for
    /// sound.
    pub(crate) offset: u64,
    /// File name of the initialisation segment.
    pub(crate) init: &'a str,
    /// Numbers of the segments, over the whole timeline.
    pub(crate) segments: Range<usize>,
}

impl<'a> Presentation<'a> {
    /// The stretches of a track that have segments, in order. `spans` are all its segments.
    ///
    /// A segment belongs to the period that holds the middle of it. The picture is cut exactly
    /// where periods start, sound at the frame nearest to that: half a frame may reach over.
    pub(crate) fn stretches(&self, track: &Track, spans: &[Span]) -> Vec<Stretch<'a>> {
        let is_video = matches!(track.kind, TrackKind::Video(_));
        let whole = Stretch { period: 0, offset: 0, init: FIRST_INIT, segments: 0..spans.len() };
        let periods = &self.head.periods;
        if periods.is_empty() {
            return vec![whole];
        }
        let mut stretches = Vec::new();
        for (index, period) in periods.iter().enumerate() {
            let first = first_segment(track, spans, period);
            let end = periods.get(index + 1);
            let end = end.map_or(spans.len(), |next| first_segment(track, spans, next));
            if first < end {
                stretches.push(Stretch {
                    period: index,
                    offset: ticks_of(track, period),
                    init: if is_video { &period.init } else { FIRST_INIT },
                    segments: first..end,
                });
            }
        }
        stretches
    }

    /// When period `index` starts, microseconds, rounded to nearest; 0 if there is none.
    pub(crate) fn period_start_us(&self, index: usize) -> u64 {
        self.head.periods.get(index).map_or(0, |period| {
            let micros = u128::from(period.start) * 1_000_000;
            let scale = u128::from(period.timescale.max(1));
            u64::try_from((micros * 2 + scale) / (scale * 2)).unwrap_or(u64::MAX)
        })
    }

    /// Periods follow each other from 0 on, and their addresses are plain file names.
    pub(crate) fn check_periods(periods: &[Period]) -> Result<(), PackagerError> {
        let start = |period: &Period| (u128::from(period.start), u128::from(period.timescale));
        let ascending = periods.windows(2).all(|pair| {
            let ((a, a_scale), (b, b_scale)) = (start(&pair[0]), start(&pair[1]));
            a * b_scale < b * a_scale
        });
        let name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        };
        let from_zero = periods.first().is_none_or(|first| first.start == 0);
        let sound = periods.iter().all(|period| period.timescale > 0 && name(&period.init));
        if ascending && from_zero && sound { Ok(()) } else { Err(PackagerError::Periods) }
    }
}

/// The first segment whose middle does not lie before the period.
fn first_segment(track: &Track, spans: &[Span], period: &Period) -> usize {
    let start = 2 * u128::from(period.start) * u128::from(track.timescale);
    spans.partition_point(|span| {
        let middle = 2 * u128::from(span.start) + u128::from(span.duration);
        middle * u128::from(period.timescale) < start
    })
}

fn ticks_of(track: &Track, period: &Period) -> u64 {
    let scaled = u128::from(period.start) * u128::from(track.timescale);
    let scale = u128::from(period.timescale.max(1));
    u64::try_from((scaled * 2 + scale) / (scale * 2)).unwrap_or(u64::MAX)
}
