//! Pictures on the frame grid.

use std::ops::Range;

use gstreamer as gst;
use kinora_plan::VideoStream;

use super::{
    clock::stream_time,
    grid::{Grid, Run},
    stream::Decoding,
};
use crate::{PipelineError, gpu::Device, source::Source};

/// Decoded frames that wait: each is up to 12 MiB in system memory.
const AHEAD: u32 = 1;
/// How far before a chunk of a variable-rate source decoding begins, so that the frame that
/// covers its first position is among the decoded ones.
const COVER_NS: u64 = 2_000_000_000;

/// A decoded picture and the position it fills.
#[derive(Debug)]
pub struct GridFrame {
    /// On the source's grid.
    pub position: u64,
    /// The pixels.
    pub buffer: gst::Buffer,
    /// What they are, as the decoder says.
    pub caps: gst::Caps,
}

/// What came of a range of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounting {
    /// Positions asked for.
    pub asked: u64,
    /// Positions filled.
    pub placed: u64,
    /// Of these, how many hold another position's frame.
    pub repeated: u64,
    /// Of these, how many lie after the end of the last frame there was.
    pub held_at_end: u64,
    /// Frames the decoder gave, whether or not they found a position.
    pub decoded: u64,
}

/// The frames of a range of the grid, in order, decoded as they are asked for.
pub struct VideoFrames {
    stream: VideoStream,
    decoding: Decoding,
    range: Range<u64>,
    grid: Grid<Picture>,
    run: Option<Run<Picture>>,
    newest: Option<u64>,
    newest_end: u64,
    decoded: u64,
    hold: bool,
    held_at_end: u64,
    ended: bool,
}

#[derive(Clone)]
struct Picture {
    buffer: gst::Buffer,
    caps: gst::Caps,
}

impl VideoFrames {
    /// Starts to decode the frames in `range` of the stream's grid. `sequential` decodes from the
    /// start instead of seeking; `hold` repeats the last frame up to the end of the range when the
    /// source ends before it.
    ///
    /// # Errors
    /// As [`Decoding::open`].
    pub fn open(
        source: &Source,
        stream: &VideoStream,
        range: Range<u64>,
        sequential: bool,
        hold: bool,
    ) -> Result<Self, PipelineError> {
        Self::open_on(None, source, stream, range, sequential, hold)
    }

    /// The same in a device's memory, if one is given.
    ///
    /// # Errors
    /// As [`Decoding::open`].
    pub(crate) fn open_on(
        device: Option<&Device>,
        source: &Source,
        stream: &VideoStream,
        range: Range<u64>,
        sequential: bool,
        hold: bool,
    ) -> Result<Self, PipelineError> {
        let seek_to = (!sequential && range.start > 0).then(|| entry_point(stream, range.start));
        let decoding = Decoding::open_on(device, source, &stream.stream_id, seek_to, AHEAD)?;
        Ok(Self {
            stream: stream.clone(),
            decoding,
            grid: Grid::new(range.clone()),
            range,
            run: None,
            newest: None,
            newest_end: 0,
            decoded: 0,
            hold,
            held_at_end: 0,
            ended: false,
        })
    }

    /// The next position and its frame; `None` after the last.
    ///
    /// # Errors
    /// As [`Decoding::pull`].
    pub fn pull(&mut self) -> Result<Option<GridFrame>, PipelineError> {
        loop {
            if let Some(run) = &mut self.run
                && let Some(position) = run.positions.next()
            {
                let Picture { buffer, caps } = if run.positions.is_empty() {
                    // The last of a run owns its pixels, so that its times can be set in place.
                    self.run.take().expect("it was there").frame
                } else {
                    run.frame.clone()
                };
                return Ok(Some(GridFrame { position, buffer, caps }));
            }
            if self.ended || self.grid.is_full() {
                return Ok(None);
            }
            self.run = self.advance()?;
        }
    }

    /// What the decoder's elements share with others.
    pub(crate) fn contexts(&self) -> Vec<gst::Context> {
        self.decoding.contexts()
    }

    /// What came of the range so far.
    pub fn accounting(&self) -> Accounting {
        Accounting {
            asked: self.range.end - self.range.start,
            placed: self.grid.next() - self.range.start,
            repeated: self.grid.repeated(),
            held_at_end: self.held_at_end,
            decoded: self.decoded,
        }
    }

    fn advance(&mut self) -> Result<Option<Run<Picture>>, PipelineError> {
        let Some(sample) = self.decoding.pull()? else {
            self.ended = true;
            let end = if self.hold { self.range.end } else { self.newest_end };
            let run = self.grid.finish(end);
            self.held_at_end =
                self.grid.next().saturating_sub(self.newest_end.max(self.range.start));
            return Ok(run);
        };
        let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps_owned()) else {
            return Ok(None);
        };
        let position = self.position(&sample, &buffer);
        // The sample shares the buffer; without it the picture has one owner.
        drop(sample);
        self.decoded += 1;
        self.newest = Some(position);
        Ok(self.grid.offer(position, Picture { buffer, caps }))
    }

    fn position(&mut self, sample: &gst::Sample, buffer: &gst::Buffer) -> u64 {
        let rate = self.stream.frame_rate;
        let time = sample
            .segment()
            .and_then(|segment| segment.downcast_ref::<gst::ClockTime>())
            .zip(buffer.pts())
            .and_then(|(segment, pts)| stream_time(segment, pts))
            .map(|time| time.saturating_sub_unsigned(self.stream.first_pts_ns));
        // Some old containers time only some pictures: the rest follow at the frame rate.
        let position = time
            .map_or_else(|| self.newest.map_or(0, |newest| newest + 1), |t| rate.nearest_frame(t));
        let lasts = buffer.duration().map_or(0, |duration| duration.nseconds());
        self.newest_end = match time {
            Some(time) if self.stream.variable_rate => {
                rate.nearest_frame(time.saturating_add_unsigned(lasts)).max(position + 1)
            }
            _ => position + 1,
        };
        position
    }
}

/// Where to seek for `first` to be among the decoded frames at the least cost.
///
/// Exactly on a key frame nothing before it is decoded; a little after its time, so that rounding
/// between clocks cannot select the key frame before. Elsewhere a little before the frame.
pub(crate) fn entry_point(stream: &VideoStream, first: u64) -> u64 {
    let rate = stream.frame_rate;
    let frame_ns = rate.frame_nanos(1);
    let start = stream.first_pts_ns + rate.frame_nanos(first);
    let at_key = stream.key_frames_ns.iter().copied().find(|key| {
        let after = i64::try_from(key.saturating_sub(stream.first_pts_ns));
        after.is_ok_and(|after| rate.nearest_frame(after) == first)
    });
    match at_key {
        Some(key) => key + frame_ns / 8,
        None if stream.variable_rate => start.saturating_sub(COVER_NS).max(stream.first_pts_ns),
        None => start.saturating_sub(frame_ns * 3 / 4),
    }
}
