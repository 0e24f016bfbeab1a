//! One stream of the source, decoded.

use gstreamer as gst;

/// When a buffer with timestamp `pts` is presented on the container's own clock, nanoseconds:
/// its stream time, so that edit lists count. Negative before the presentation begins.
///
/// Probe, picture and sound all measure with this, so that they agree.
pub fn stream_time(
    segment: &gst::FormattedSegment<gst::ClockTime>,
    pts: gst::ClockTime,
) -> Option<i64> {
    use gst::Signed;
    match segment.to_stream_time_full(pts)? {
        Signed::Positive(time) => i64::try_from(time.nseconds()).ok(),
        Signed::Negative(time) => i64::try_from(time.nseconds()).ok().map(|time| -time),
    }
}
