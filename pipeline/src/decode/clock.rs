//! The clock on which everything in a source is placed.

use gst::Signed;
use gstreamer as gst;

/// When a buffer with timestamp `pts` is presented on the container's own clock, nanoseconds:
/// its stream time, so that edit lists count. Negative before the presentation begins.
///
/// Probe, picture and sound all measure with this, so that they agree.
pub fn stream_time(
    segment: &gst::FormattedSegment<gst::ClockTime>,
    pts: gst::ClockTime,
) -> Option<i64> {
    match segment.to_stream_time_full(pts)? {
        Signed::Positive(time) => i64::try_from(time.nseconds()).ok(),
        Signed::Negative(time) => i64::try_from(time.nseconds()).ok().map(|time| -time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_shifts_the_clock() {
        gst::init().unwrap();
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        // Media from 2 s on is presented from 1 s on.
        segment.set_start(gst::ClockTime::from_seconds(2));
        segment.set_time(gst::ClockTime::from_seconds(1));
        let time = |seconds| stream_time(&segment, gst::ClockTime::from_seconds(seconds));
        assert_eq!(time(3), Some(2_000_000_000));
        assert_eq!(time(0), Some(-1_000_000_000));
    }
}
