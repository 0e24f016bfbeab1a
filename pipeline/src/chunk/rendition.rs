//! One rung's coded pictures, put on the grid, cut into segments and written as they complete.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use gstreamer as gst;
use kinora_media::{AccessUnit, FrameRate, SegmentEntry, TrackId};
use kinora_packager::{
    cmaf::{self, Colour, SegmentKind, VideoConfig},
    codec,
};
use kinora_plan::{
    Rung,
    encoder::{ChunkSpec, EncodedTrack},
};

use super::layout::Layout;
use crate::{PipelineError, avc, coded, gpu::parameters};

/// How far an encoder's times may be from the grid: nanoseconds are rounded on the way in and out.
const ROUNDING_NS: u64 = 2;

/// Takes one rung's coded pictures in decoding order.
///
/// Decode times are positions in that order: unit `i` of the chunk decodes at grid position `i`,
/// whatever the encoder says. Presentation times are the encoder's, and must lie on the grid.
pub(super) struct Rendition {
    track: TrackId,
    rate: FrameRate,
    config: VideoConfig,
    codec: Option<String>,
    /// The level to promise, where a device's own parameter sets are brought to what others say.
    level: Option<u32>,
    /// Ticks a frame lasts, and the decode time of the chunk's first.
    frame_ticks: u32,
    start: u64,
    layout: Layout,
    rate_divisor: u64,
    folder: PathBuf,
    file: File,
    units: Vec<AccessUnit>,
    /// Units of the segments that are written.
    written: u64,
    segments: Vec<SegmentEntry>,
}

impl Rendition {
    /// Creates the rung's folder and its empty chunk file.
    pub(super) fn create(
        spec: &ChunkSpec,
        rung: &Rung,
        colour: Colour,
    ) -> Result<Self, PipelineError> {
        let grid = spec.video.frame_rate;
        let divisor = u64::from(rung.rate_divisor.get());
        let folder = spec.output_dir.join(rung.track.as_str());
        fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;
        let path = folder.join("chunk.m4s");
        let file = File::create(&path).map_err(|source| failed(&path, source))?;
        Ok(Self {
            track: rung.track.clone(),
            rate: rung.frame_rate,
            config: VideoConfig {
                timescale: grid.timescale(),
                width: rung.width,
                height: rung.height,
                avcc: Bytes::new(),
                colour: Some(colour),
                bit_rate: None,
            },
            codec: None,
            level: (!spec.encoder.is_software()).then_some(rung.level),
            frame_ticks: grid.frame_ticks().saturating_mul(rung.rate_divisor.get()),
            start: spec.chunk.first_frame * u64::from(grid.frame_ticks()),
            layout: Layout::of(spec, rung),
            rate_divisor: divisor,
            folder,
            file,
            units: Vec::new(),
            written: 0,
            segments: Vec::new(),
        })
    }

    /// Whether the encoder has given a picture.
    pub(super) fn has_begun(&self) -> bool {
        self.codec.is_some()
    }

    /// Takes an encoder's next picture in decoding order; says how many it has now.
    pub(super) fn take(&mut self, sample: &gst::Sample) -> Result<u64, PipelineError> {
        let record = coded::record(sample).ok_or_else(|| self.broken("no parameter sets"))?;
        match self.level {
            None => self.configure(&record)?,
            Some(level) => self.configure(&parameters::unified(&record, level)?)?,
        }
        let buffer = sample.buffer_owned().ok_or_else(|| self.broken("a sample without data"))?;
        let key = coded::is_key(&buffer);
        let position = self.position(sample)?;
        let data = buffer
            .into_mapped_buffer_readable()
            .map_err(|_| self.broken("a picture that cannot be read"))?;
        let data = match self.level {
            None => Bytes::from_owner(data),
            Some(_) => avc::without_parameter_sets(&data),
        };
        self.push(position, key, data)
    }

    /// Takes the next picture in decoding order, shown at `position` of the rung's grid, counted
    /// from the chunk's first; says how many it has now.
    pub(super) fn push(
        &mut self,
        position: u64,
        key: bool,
        data: Bytes,
    ) -> Result<u64, PipelineError> {
        let index = self.written + self.units.len() as u64;
        if key != self.layout.is_key(index) {
            return Err(self.broken(&format!("picture {index} is a key frame: {key}")));
        }
        let (pts, duration) = (self.time(position), self.frame_ticks);
        self.units.push(AccessUnit { pts, duration, key, data });
        if index + 1 == self.layout.segment_end(self.segments.len()) {
            self.write_segment()?;
        }
        Ok(index + 1)
    }

    /// Writes what is left; `frames` of the source's grid went in, so as many must have come out.
    pub(super) fn finish(&mut self, frames: u64) -> Result<EncodedTrack, PipelineError> {
        if !self.units.is_empty() {
            self.write_segment()?;
        }
        let expected = frames.div_ceil(self.rate_divisor);
        if self.written != expected {
            return Err(self.broken(&format!("{} of {expected} pictures", self.written)));
        }
        let codec = self.codec.clone().ok_or_else(|| self.broken("no parameter sets"))?;
        Ok(EncodedTrack {
            track: self.track.clone(),
            codec,
            start: self.start,
            segments: std::mem::take(&mut self.segments),
        })
    }

    /// Writes the initialisation segment once the parameter sets are known; they must never change
    /// after.
    pub(super) fn configure(&mut self, record: &[u8]) -> Result<(), PipelineError> {
        if self.codec.is_some() {
            return if self.config.avcc[..] == record[..] {
                Ok(())
            } else {
                Err(self.broken("parameter sets changed"))
            };
        }
        self.config.avcc = Bytes::copy_from_slice(record);
        let codec = codec::avc(&self.config.avcc).map_err(|error| self.unpackaged(&error))?;
        let init = cmaf::video_init(&self.config).map_err(|error| self.unpackaged(&error))?;
        let path = self.folder.join("init.mp4");
        fs::write(&path, init).map_err(|source| failed(&path, source))?;
        self.codec = Some(codec);
        Ok(())
    }

    /// The picture's place on the rung's grid, counted from the chunk's first.
    fn position(&self, sample: &gst::Sample) -> Result<u64, PipelineError> {
        let time = coded::running_time(sample)
            .and_then(|time| i64::try_from(time.nseconds()).ok())
            .ok_or_else(|| self.broken("a picture without a time"))?;
        let position = self.rate.nearest_frame(time);
        if self.rate.frame_nanos(position).abs_diff(time.unsigned_abs()) > ROUNDING_NS {
            return Err(self.broken(&format!("a picture at {time} ns, off the frame grid")));
        }
        Ok(position)
    }

    fn write_segment(&mut self) -> Result<(), PipelineError> {
        let units = std::mem::take(&mut self.units);
        self.check_positions(&units)?;
        let start = self.start + self.written * u64::from(self.frame_ticks);
        let number = self.layout.sequence_number(self.segments.len());
        let number = u32::try_from(number).map_err(|_| self.broken("too many segments"))?;
        let bytes = cmaf::segment(SegmentKind::Video, number, start, &units)
            .map_err(|error| self.unpackaged(&error))?;
        self.file
            .write_all(&bytes)
            .map_err(|source| failed(&self.folder.join("chunk.m4s"), source))?;
        self.written += units.len() as u64;
        self.segments.push(SegmentEntry {
            size: bytes.len() as u64,
            duration: units.len() as u64 * u64::from(self.frame_ticks),
            key_frame: Some(cmaf::first_unit_end(&bytes, &units)),
        });
        Ok(())
    }

    /// A segment shows exactly the positions it decodes: whole closed GOPs, nothing twice.
    fn check_positions(&self, units: &[AccessUnit]) -> Result<(), PipelineError> {
        let mut shown: Vec<i64> = units.iter().map(|unit| unit.pts).collect();
        shown.sort_unstable();
        let expected = (self.written..).map(|position| self.time(position));
        if shown.iter().copied().zip(expected).all(|(shown, expected)| shown == expected) {
            Ok(())
        } else {
            Err(self.broken("pictures of a segment do not fill it"))
        }
    }

    fn time(&self, position: u64) -> i64 {
        let ticks = self.start + position * u64::from(self.frame_ticks);
        i64::try_from(ticks).unwrap_or(i64::MAX)
    }

    fn broken(&self, what: &str) -> PipelineError {
        PipelineError::Internal(format!("{} has {what}", self.track))
    }

    fn unpackaged(&self, error: &kinora_packager::PackagerError) -> PipelineError {
        PipelineError::Internal(format!("{} could not be packaged: {error}", self.track))
    }
}

fn failed(path: &Path, source: std::io::Error) -> PipelineError {
    PipelineError::Write { path: path.to_owned(), source }
}
