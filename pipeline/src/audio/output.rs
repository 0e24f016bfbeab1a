//! Segments and parts of a soundtrack, written as they become complete.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use kinora_media::{AccessUnit, SegmentEntry};
use kinora_packager::{
    PackagerError,
    cmaf::{self, AudioConfig, SegmentKind},
    codec,
};
use kinora_plan::encoder::{AudioPart, AudioSpec};

use super::{
    cutting::{Cuts, SMALL_TAIL, most_seconds, rounded_seconds},
    encoder::{FRAME, Frame},
};
use crate::{PipelineError, child::Reporter};

/// How far an AAC encoder strays above its rate, percent.
const PEAK_PERCENT: u64 = 125;

/// A soundtrack on its way into files.
pub(super) struct Output<'a> {
    spec: &'a AudioSpec,
    reporter: &'a Reporter,
    codec: String,
    priming: u32,
    cuts: Cuts,
    /// Where the segment being filled ends, in frames.
    cut: u64,
    most_seconds: u64,
    /// Frames since the last segment.
    pending: Vec<Frame>,
    /// Frames in segments.
    written: u64,
    segments_written: u32,
    part: Part,
    parts: u32,
}

/// The part being filled.
#[derive(Default)]
struct Part {
    /// In frames.
    start: u64,
    bytes: Vec<u8>,
    segments: Vec<SegmentEntry>,
}

impl<'a> Output<'a> {
    /// Writes the initialisation segment.
    pub(super) fn create(
        spec: &'a AudioSpec,
        asc: Bytes,
        priming: u32,
        reporter: &'a Reporter,
    ) -> Result<Self, PipelineError> {
        let codec = codec::aac(&asc).map_err(packager)?;
        let peak = u64::from(spec.bitrate) * PEAK_PERCENT / 100;
        let init = cmaf::audio_init(&AudioConfig {
            timescale: spec.sample_rate,
            channels: spec.channels,
            asc,
            priming,
            max_bitrate: u32::try_from(peak).unwrap_or(u32::MAX),
            avg_bitrate: spec.bitrate,
        })
        .map_err(packager)?;
        let mut cuts = Cuts::new(spec, priming);
        let cut = cuts.next();
        let output = Self {
            spec,
            reporter,
            codec,
            priming,
            cuts,
            cut,
            most_seconds: most_seconds(spec),
            pending: Vec::new(),
            written: 0,
            segments_written: 0,
            part: Part::default(),
            parts: 0,
        };
        output.write("init.mp4", &init)?;
        Ok(output)
    }

    /// Takes the next frame. A segment is written once it is sure that what follows it is no
    /// small tail.
    pub(super) fn push(&mut self, frame: Frame) -> Result<(), PipelineError> {
        self.pending.push(frame);
        while self.received() > self.cut.saturating_add(SMALL_TAIL) {
            self.segment(self.cut)?;
            self.cut = self.cuts.next();
        }
        Ok(())
    }

    /// Ends the soundtrack after so many sample frames of sound; gives its duration in ticks,
    /// priming not counted: the last frame covers the end.
    pub(super) fn finish(&mut self, sample_frames: u64) -> Result<u64, PipelineError> {
        let end = sample_frames.saturating_add(u64::from(self.priming)).div_ceil(FRAME);
        if self.received() < end {
            let message = format!("the AAC encoder gave {} frames of {end}", self.received());
            return Err(PipelineError::Internal(message));
        }
        // What `push` has not settled is at most one cut and a tail, or several cuts in so few
        // frames.
        while self.cut < end && !self.joins(end) {
            self.segment(self.cut)?;
            self.cut = self.cuts.next();
        }
        if end > self.written {
            self.segment(end)?;
        }
        self.close_part()?;
        Ok((end * FRAME).saturating_sub(u64::from(self.priming)))
    }

    /// Parts written.
    pub(super) fn parts(&self) -> u32 {
        self.parts
    }

    /// Milliseconds of sound received.
    pub(super) fn media_ms(&self) -> u64 {
        self.received() * FRAME * 1000 / u64::from(self.spec.sample_rate.max(1))
    }

    fn received(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    /// Whether what lies between the next cut and the end belongs to the segment before the cut.
    fn joins(&self, end: u64) -> bool {
        let rate = u64::from(self.spec.sample_rate.max(1));
        let joined = rounded_seconds(end - self.written, rate);
        end - self.cut <= SMALL_TAIL && joined <= self.most_seconds
    }

    /// Packages the frames up to `end`.
    fn segment(&mut self, end: u64) -> Result<(), PipelineError> {
        let start = self.written;
        let count = usize::try_from(end - start).unwrap_or(usize::MAX).min(self.pending.len());
        let unit = |(index, data): (u64, Frame)| AccessUnit {
            pts: i64::try_from(index * FRAME).unwrap_or(i64::MAX),
            duration: FRAME as u32,
            key: true,
            data,
        };
        let units: Vec<AccessUnit> = (start..).zip(self.pending.drain(..count)).map(unit).collect();
        self.segments_written += 1;
        let number = self.segments_written;
        let bytes = cmaf::segment(SegmentKind::Audio, number, start * FRAME, &units);
        let bytes = bytes.map_err(packager)?;
        self.written = end;
        self.part.segments.push(SegmentEntry::new(bytes.len() as u64, (end - start) * FRAME));
        self.part.bytes.extend_from_slice(&bytes);
        if self.part.segments.len() >= self.segments_a_part() {
            self.close_part()?;
        }
        Ok(())
    }

    fn segments_a_part(&self) -> usize {
        let counts = &self.spec.part_segments;
        let count = counts.get(self.parts as usize).or(counts.last()).copied();
        count.unwrap_or(1).max(1) as usize
    }

    fn close_part(&mut self) -> Result<(), PipelineError> {
        if self.part.segments.is_empty() {
            return Ok(());
        }
        let next = Part { start: self.written, ..Part::default() };
        let part = std::mem::replace(&mut self.part, next);
        self.write(&format!("{:05}.m4s", self.parts), &part.bytes)?;
        self.reporter.audio_part(AudioPart {
            index: self.parts,
            codec: self.codec.clone(),
            priming: self.priming,
            start: part.start * FRAME,
            segments: part.segments,
        });
        self.parts += 1;
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PipelineError> {
        let path: PathBuf = self.spec.output_dir.join(name);
        fs::write(&path, bytes).map_err(|source| PipelineError::Write { path, source })
    }
}

fn packager(error: PackagerError) -> PipelineError {
    PipelineError::Internal(format!("packaging the sound: {error}"))
}
