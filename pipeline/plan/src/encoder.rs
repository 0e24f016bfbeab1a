//! What `kinora-encoder` is asked and what it answers.
//!
//! The worker writes a spec to a file and starts `kinora-encoder TASK --spec FILE`, TASK being
//! `probe`, `chunk`, `audio`, `analyse`, `pictures` or `text`,
//! with the source socket as standard input (see [`crate::source_protocol`]). The child writes
//! its files into `output_dir` and one [`Message`] a line, as JSON, on standard output; the last
//! is `Done` or `Failed`. Log lines go to standard error.
//!
//! With `--series` a child that said `Done` of a chunk asks for another of the same title instead of
//! ending, over the source socket, and its messages go on with that. The worker empties
//! `output_dir` in between.

use std::path::PathBuf;

use kinora_media::{Pictures, SegmentEntry, TrackId};
use serde::{Deserialize, Serialize};

use crate::{
    AudioStream, Chunk, ProbeReport, Rung, VideoStream, Warning,
    device::EncoderChoice,
    quality::{Analysis, AnalysisSpec},
};

/// Any child's task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum EncoderSpec {
    /// Say what the source holds.
    Probe(ProbeSpec),
    /// Encode one chunk into every rung.
    Chunk(Box<ChunkSpec>),
    /// Encode one soundtrack from its beginning to its end.
    Audio(Box<AudioSpec>),
    /// Encode samples and measure them.
    Analyse(Box<AnalysisSpec>),
    /// Make the poster and the storyboard.
    Pictures(Box<PicturesSpec>),
    /// Make WebVTT of embedded subtitles.
    Text(TextSpec),
}

impl EncoderSpec {
    /// Bytes of the source.
    pub fn source_size(&self) -> u64 {
        match self {
            Self::Probe(spec) => spec.source_size,
            Self::Chunk(spec) => spec.source_size,
            Self::Audio(spec) => spec.source_size,
            Self::Analyse(spec) => spec.source_size,
            Self::Pictures(spec) => spec.source_size,
            Self::Text(spec) => spec.source_size,
        }
    }
}

/// Say what the source holds. Answer: [`Outcome::Probe`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// Bytes of the source.
    pub source_size: u64,
    /// Refuse pictures wider or higher than this.
    pub max_side: u32,
    /// Refuse sources longer than this, nanoseconds.
    pub max_duration_ns: u64,
    /// Refuse pictures that are shown faster than this, frames a second.
    #[serde(default = "max_frame_rate")]
    pub max_frame_rate: u32,
    /// Refuse sources of more streams than this.
    #[serde(default = "max_tracks")]
    pub max_tracks: u32,
}

impl ProbeSpec {
    /// A source of that size, within what is allowed where nobody says otherwise: 8192 pixels a
    /// side, 120 frames a second, 12 hours, 64 streams.
    pub fn new(source_size: u64) -> Self {
        Self {
            source_size,
            max_side: 8192,
            max_duration_ns: 12 * 3600 * 1_000_000_000,
            max_frame_rate: max_frame_rate(),
            max_tracks: max_tracks(),
        }
    }
}

fn max_frame_rate() -> u32 {
    120
}

fn max_tracks() -> u32 {
    64
}

/// Encode one chunk into every rung, decoding once. Answer: [`Outcome::Chunk`]; files:
/// `{track}/init.mp4` and `{track}/chunk.m4s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSpec {
    /// Bytes of the source.
    pub source_size: u64,
    /// What to decode.
    pub video: VideoStream,
    /// Which frames.
    pub chunk: Chunk,
    /// Whether this chunk runs to the end of the source, so that fewer frames are an end and
    /// not a loss.
    pub last: bool,
    /// Whether to decode from the start instead of seeking (the seek self-check failed).
    pub sequential: bool,
    /// Frames a GOP on the source's grid; a rung of half the rate has half as many.
    pub gop_frames: u64,
    /// What to encode.
    pub rungs: Vec<Rung>,
    /// Where GOPs and segments lie, if a source passed through decides it; else GOPs are of
    /// `gop_frames` and segments of the chunk's `segment_frames`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<ChunkLayout>,
    /// What encodes; a worker names the device.
    #[serde(default, skip_serializing_if = "EncoderChoice::is_software")]
    pub encoder: EncoderChoice,
    /// Which parameter sets of the title these are: 1 after a switch of encoders. Names the
    /// stored initialisation segment ([`kinora_media::init_name`]).
    #[serde(default, skip_serializing_if = "is_first")]
    pub generation: u32,
    /// An existing folder for the results.
    pub output_dir: PathBuf,
}

impl ChunkSpec {
    /// The same chunk after the switch to software.
    #[must_use]
    pub fn after_switch(self) -> Self {
        Self { encoder: EncoderChoice::default(), generation: 1, ..self }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_first(generation: &u32) -> bool {
    *generation == 0
}

/// Where GOPs and segments of a chunk lie whose top rung is the source as it is. Frames are of the
/// source's grid and count from the chunk's first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkLayout {
    /// Key frames of every rung, ascending from 0.
    pub key_frames: Vec<u64>,
    /// Where segments end, ascending; the last is the chunk's end.
    pub segment_ends: Vec<u64>,
    /// Segments in the chunks before.
    pub segments_before: u64,
    /// Frames of the title's longest GOP: the same in every chunk, because encoders' parameter
    /// sets may depend on it.
    pub longest_gop: u64,
    /// The AVCDecoderConfigurationRecord that the source must have, hexadecimal.
    pub avcc: String,
}

/// Encode one soundtrack. Answers: an [`Message::AudioPart`] each time segments are complete,
/// then [`Outcome::Audio`]. Files: `init.mp4`, and a file a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioSpec {
    /// Bytes of the source.
    pub source_size: u64,
    /// What to decode.
    pub audio: AudioStream,
    /// Where the presentation begins on the source's clock: the first video frame, or without
    /// video the first sample.
    pub origin_ns: u64,
    /// The least duration of the presentation; silence fills up to it.
    pub duration_ns: u64,
    /// Samples a second of the result.
    pub sample_rate: u32,
    /// Channels of the result.
    pub channels: u16,
    /// Bits a second of the result.
    pub bitrate: u32,
    /// By how much all of it is raised, hundredths of a decibel.
    #[serde(default)]
    pub gain_cdb: i32,
    /// What no true peak exceeds, dBTP; `None` leaves the sound as it is.
    #[serde(default)]
    pub true_peak_dbtp: Option<i32>,
    /// Where segments should end, nanoseconds from `origin_ns`, ascending: the video's
    /// boundaries. Cuts snap to the nearest audio frame. Past the last one, `segment_ns` goes on.
    pub boundaries_ns: Vec<u64>,
    /// Segment length past the last boundary.
    pub segment_ns: u64,
    /// After how many segments each part ends, in order: `[1, 2, 4, 4, …]`; the last repeats.
    pub part_segments: Vec<u32>,
    /// An existing folder for the results.
    pub output_dir: PathBuf,
}

/// Make the poster and the storyboard. Answer: [`Outcome::Pictures`]; files as it names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicturesSpec {
    /// Bytes of the source.
    pub source_size: u64,
    /// What to decode, with all its key frames.
    pub video: VideoStream,
    /// Whether the source must be read from the start instead of seeking.
    pub sequential: bool,
    /// The duration of the presentation, which begins with the first picture.
    pub duration_us: u64,
    /// An existing folder for the results.
    pub output_dir: PathBuf,
}

/// Make WebVTT of embedded subtitles. Answer: [`Outcome::Text`]; files: `{n}.vtt` for each stream
/// that holds text, counted as they are asked for, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSpec {
    /// Bytes of the source.
    pub source_size: u64,
    /// Ids of [`SubtitleStream`](crate::SubtitleStream)s.
    pub streams: Vec<String>,
    /// Where the presentation begins on the source's clock.
    pub origin_ns: u64,
    /// The duration of the presentation; what is shown after it is left out.
    pub duration_us: u64,
    /// An existing folder for the results.
    pub output_dir: PathBuf,
}

/// One line on the child's standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// How far it is; at most a few a second.
    Progress {
        /// Frames (or audio milliseconds) done.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// A part of an audio track is complete and will not change.
    AudioPart(AudioPart),
    /// The last line of a child that did its task.
    Done(Outcome),
    /// The last line of a child that could not.
    Failed(Failure),
}

/// What a child made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The answer to [`ProbeSpec`].
    Probe(Box<ProbeReport>),
    /// The answer to [`ChunkSpec`].
    Chunk(ChunkOutcome),
    /// The answer to [`AudioSpec`].
    Audio(AudioOutcome),
    /// The answer to [`AnalysisSpec`].
    Analysis(Analysis),
    /// The answer to [`PicturesSpec`].
    Pictures(PicturesOutcome),
    /// The answer to [`TextSpec`].
    Text(TextOutcome),
}

/// What became of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkOutcome {
    /// Frames of the source's grid that were encoded (fewer than asked only in the last chunk).
    pub frames: u64,
    /// The rungs, in the order asked.
    pub renditions: Vec<EncodedTrack>,
    /// What was lost.
    pub warnings: Vec<Warning>,
}

/// One track's share of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodedTrack {
    /// Which.
    pub track: TrackId,
    /// RFC 6381 `codecs` value of its initialisation segment.
    pub codec: String,
    /// Decode time of the first sample, ticks of the track.
    pub start: u64,
    /// Segments in the chunk file, in order.
    pub segments: Vec<SegmentEntry>,
}

/// A finished part of an audio track: file `{index:05}.m4s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioPart {
    /// Counts from 0.
    pub index: u32,
    /// RFC 6381 `codecs` value.
    pub codec: String,
    /// Ticks of priming that the edit list skips.
    pub priming: u32,
    /// Decode time of the first sample, ticks.
    pub start: u64,
    /// Segments in the file, in order.
    pub segments: Vec<SegmentEntry>,
}

/// What became of a soundtrack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioOutcome {
    /// How many parts there were.
    pub parts: u32,
    /// Ticks of sound, priming not counted.
    pub duration: u64,
    /// How loud the whole of it was and became.
    pub loudness: Option<TrackLoudness>,
    /// What was lost.
    pub warnings: Vec<Warning>,
}

/// How loud a soundtrack was, all of it, and what became of it (ITU-R BS.1770, EBU R 128).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackLoudness {
    /// Integrated loudness of the source in these channels, hundredths of LUFS; `None` if it
    /// never rises above the absolute gate of −70 LUFS.
    pub source_clufs: Option<i32>,
    /// The same of what went to the encoder.
    pub result_clufs: Option<i32>,
    /// The highest true peak of the source, hundredths of dBTP; `None` if it is silent.
    pub source_peak_cdbtp: Option<i32>,
    /// The same of what went to the encoder.
    pub result_peak_cdbtp: Option<i32>,
    /// By how much it was raised, hundredths of a decibel.
    pub gain_cdb: i32,
}

/// The code of a job that a worker gave back untried, because its disk has no room for the files.
pub const WAITING_FOR_DISK: &str = "waiting_for_disk";

/// The code of a failure that says the child reached the memory limit it was given.
pub const OUT_OF_MEMORY: &str = "out_of_memory";
/// The code of a chunk whose device gave no picture at all: it may have no session left.
pub const GPU_BUSY: &str = "gpu_busy";
/// The code of a chunk that asks for a device its worker does not have.
pub const GPU_UNAVAILABLE: &str = "gpu_unavailable";
/// What became of the pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicturesOutcome {
    /// The pictures; their `object`s are files in the output folder.
    pub pictures: Pictures,
    /// What was lost.
    pub warnings: Vec<Warning>,
}

/// What became of embedded subtitles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextOutcome {
    /// For each stream asked for, how many bytes its file has; 0 if it holds no text.
    pub sizes: Vec<u64>,
    /// What was lost.
    pub warnings: Vec<Warning>,
}

/// Why a child gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What to do about it.
    pub kind: FailureKind,
    /// A stable word: `not_media`, `no_streams`, `decode_error`, `source_read`, `out_of_disk`.
    pub code: String,
    /// A sentence a person understands: what was wrong and what to do.
    pub message: String,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The source is at fault: trying again gives the same.
    Input,
    /// The host is (disk, memory, store): try again, elsewhere if possible.
    Resource,
    /// Kinora is, or nobody knows: try again a few times.
    Internal,
    /// The graphics processor is, or what drives it: do it on the CPU.
    Gpu,
}
