//! Frames spread over a film, at the least cost.

use gstreamer as gst;
use kinora_plan::VideoStream;

use crate::{
    PipelineError,
    decode::{Decoding, stream_time},
    source::Source,
};

/// Up to this length every frame is decoded: a short clip has few key frames, perhaps one.
const WHOLE_US: u64 = 20_000_000;
/// Frames decoded ahead: after most of them the next one is elsewhere.
const AHEAD: u32 = 1;

/// How frames are come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All of them, from the beginning.
    Every,
    /// Key frames, reading everything: the source cannot be entered in the middle.
    KeysInPassing,
    /// Key frames, one seek each.
    KeysBySeeking,
}

/// A decoded frame.
pub(super) struct Frame {
    /// In the presentation, microseconds.
    pub(super) time_us: u64,
    pub(super) buffer: gst::Buffer,
    pub(super) caps: gst::Caps,
}

/// Gives frames near times that are asked for in ascending order.
pub(super) struct Frames<'a> {
    stream: &'a VideoStream,
    way: Way,
    decoding: Decoding,
    /// When reading through: the newest frame, and the one before the time asked for.
    next: Option<Frame>,
    last: Option<Frame>,
    ended: bool,
    /// When seeking: the key frame the last one came from.
    entered: Option<u64>,
}

impl<'a> Frames<'a> {
    pub(super) fn open(
        source: &Source,
        stream: &'a VideoStream,
        sequential: bool,
        duration_us: u64,
    ) -> Result<Self, PipelineError> {
        let way = match (duration_us <= WHOLE_US, sequential) {
            (true, _) => Way::Every,
            (false, true) => Way::KeysInPassing,
            (false, false) => Way::KeysBySeeking,
        };
        let decoding = Decoding::open(source, &stream.stream_id, None, AHEAD)?;
        let (next, last, entered) = (None, None, None);
        Ok(Self { stream, way, decoding, next, last, ended: false, entered })
    }

    /// The frame near `time_us`, if it is another one than before.
    pub(super) fn near(&mut self, time_us: u64) -> Result<Option<Frame>, PipelineError> {
        match self.way {
            Way::Every | Way::KeysInPassing => self.read_to(time_us),
            Way::KeysBySeeking => self.seek_to(time_us),
        }
    }

    /// Reads on until a frame is later, and gives the nearest.
    fn read_to(&mut self, time_us: u64) -> Result<Option<Frame>, PipelineError> {
        while !self.ended && self.next.as_ref().is_none_or(|next| next.time_us <= time_us) {
            if let Some(passed) = self.next.take() {
                self.last = Some(passed);
            }
            let first = self.last.is_none();
            match self.pull()? {
                Some(frame) => self.next = Some(frame),
                None => self.ended = true,
            }
            if first && self.way == Way::KeysInPassing {
                // Only now is there a decoder that can be told.
                self.decoding.skip_between_key_frames();
            }
        }
        let distance = |frame: &Option<Frame>| frame.as_ref().map(|f| f.time_us.abs_diff(time_us));
        let nearer = match (distance(&self.last), distance(&self.next)) {
            (Some(last), Some(next)) if last <= next => &mut self.last,
            (Some(_), None) => &mut self.last,
            _ => &mut self.next,
        };
        Ok(nearer.take())
    }

    fn seek_to(&mut self, time_us: u64) -> Result<Option<Frame>, PipelineError> {
        let target = self.stream.first_pts_ns.saturating_add(time_us.saturating_mul(1000));
        let key = nearest(&self.stream.key_frames_ns, target);
        if key.is_some() && key == self.entered {
            return Ok(None);
        }
        let frame_ns = self.stream.frame_rate.frame_nanos(1);
        // A little later, so that rounding between clocks cannot select the one before.
        let to = key.unwrap_or(target).saturating_add(frame_ns / 8);
        self.decoding.enter(to, key.is_some())?;
        let frame = self.pull()?;
        let known = self.entered;
        self.entered = key.or(frame.as_ref().map(|frame| frame.time_us));
        Ok(frame.filter(|_| known.is_none() || self.entered != known))
    }

    fn pull(&mut self) -> Result<Option<Frame>, PipelineError> {
        loop {
            let Some(sample) = self.decoding.pull()? else { return Ok(None) };
            let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps_owned()) else {
                continue;
            };
            let time = sample
                .segment()
                .and_then(|segment| segment.downcast_ref::<gst::ClockTime>())
                .zip(buffer.pts())
                .and_then(|(segment, pts)| stream_time(segment, pts))
                .and_then(|time| u64::try_from(time).ok());
            // Containers that time only some pictures: it follows the one before.
            let known = self.last.as_ref().map_or(0, |last| last.time_us + 1);
            let since_start = |time: u64| time.saturating_sub(self.stream.first_pts_ns) / 1000;
            return Ok(Some(Frame { time_us: time.map_or(known, since_start), buffer, caps }));
        }
    }
}

/// The key frame nearest to `target`; `None` if none are known near it.
fn nearest(keys: &[u64], target: u64) -> Option<u64> {
    let after = keys.partition_point(|key| *key <= target);
    let around = keys[after.saturating_sub(1)..].iter().take(2).copied();
    let (before, next) = (after.checked_sub(1).map(|at| keys[at]), keys.get(after).copied());
    // In a table with holes a key frame that is not listed may be nearer: then the demuxer's
    // own index decides.
    let known = |key: &u64| key.abs_diff(target) <= MOST_APART_NS;
    match (before, next) {
        (None, None) => None,
        _ => around.min_by_key(|key| key.abs_diff(target)).filter(known),
    }
}

/// Encoders put key frames at most about this far apart.
const MOST_APART_NS: u64 = 15_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn the_nearest_key_frame_is_taken_unless_the_table_has_a_hole() {
        let keys = [SECOND, 3 * SECOND, 100 * SECOND];
        assert_eq!(nearest(&keys, 0), Some(SECOND));
        assert_eq!(nearest(&keys, 2 * SECOND + 1), Some(3 * SECOND));
        assert_eq!(nearest(&keys, 50 * SECOND), None);
        assert_eq!(nearest(&keys, 200 * SECOND), None);
        assert_eq!(nearest(&[], SECOND), None);
    }
}
