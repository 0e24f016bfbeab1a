//! What a probe found in a source.

use kinora_media::FrameRate;
use serde::{Deserialize, Serialize};

use crate::{Coded, device::EncoderDevice};

/// What a source holds. Times are nanoseconds on the container's own clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// Media type of the container as GStreamer names it: `video/quicktime`.
    pub container: String,
    /// Bytes of the source.
    pub size: u64,
    /// What the container promises, nanoseconds.
    pub promised_duration_ns: Option<u64>,
    /// Whether a seek lands where it should (self-check); else the source runs as one
    /// sequential chunk.
    pub seekable: bool,
    /// Whether every packet was read, or only windows of a large file.
    pub scanned_whole: bool,
    /// The picture, unless audio only.
    pub video: Option<VideoStream>,
    /// Soundtracks that can be decoded, in container order.
    pub audio: Vec<AudioStream>,
    /// Embedded subtitles.
    pub subtitles: Vec<SubtitleStream>,
    /// Chapters, as the container lists them.
    #[serde(default)]
    pub chapters: Vec<ProbedChapter>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// Graphics processors on the host that looked: the worker adds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encoders: Vec<EncoderDevice>,
}

/// The first video stream that has samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoStream {
    /// GStreamer's stream id: the same in every run over the same bytes.
    pub stream_id: String,
    /// Media type: `video/x-h264`.
    pub codec: String,
    /// Coded pixels.
    pub width: u32,
    /// Coded pixels.
    pub height: u32,
    /// Pixel aspect ratio, width to height.
    pub pixel_aspect: (u32, u32),
    /// What makes it upright.
    pub orientation: Orientation,
    /// The grid its frames lie on: measured from timestamps, not what caps claim.
    pub frame_rate: FrameRate,
    /// Whether frame distances vary, so that the grid doubles or drops some.
    pub variable_rate: bool,
    /// Whether frames are interlaced.
    pub interlaced: bool,
    /// GStreamer's colorimetry string (`bt709`), if tagged.
    pub colorimetry: Option<String>,
    /// Whether the transfer is PQ or HLG.
    pub hdr: bool,
    /// How bright an HDR picture gets, cd/m²: PQ's as its metadata say, if they do; HLG's always
    /// that of the display it is defined on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_nits: Option<u32>,
    /// Bits a component.
    pub bit_depth: u8,
    /// When its first frame is presented.
    pub first_pts_ns: u64,
    /// When its last frame ends.
    pub end_pts_ns: u64,
    /// Packets with pictures; exact when the scan was whole.
    pub frames: u64,
    /// Presentation times of key frames; may be incomplete when the scan was not whole.
    pub key_frames_ns: Vec<u64>,
    /// Whether its coded pictures can be handed on as they are; `None` if nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coded: Option<Coded>,
}

/// One soundtrack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioStream {
    /// GStreamer's stream id.
    pub stream_id: String,
    /// Media type: `audio/mpeg`.
    pub codec: String,
    /// Channels.
    pub channels: u32,
    /// Samples a second.
    pub sample_rate: u32,
    /// BCP 47 tag, if tagged.
    pub language: Option<String>,
    /// A title, if tagged.
    pub title: Option<String>,
    /// Whether the container wants it to play when nobody has chosen.
    #[serde(default)]
    pub default: bool,
    /// How loud it is, if that could be measured.
    #[serde(default)]
    pub loudness: Option<StreamLoudness>,
    /// When its first sample is heard.
    pub first_pts_ns: u64,
    /// When its last sample ends.
    pub end_pts_ns: u64,
}

/// How loud a soundtrack is, measured in windows spread over it (ITU-R BS.1770, EBU R 128).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamLoudness {
    /// Mixed to stereo, hundredths of LUFS; `None` below the absolute gate of −70 LUFS.
    pub stereo_clufs: Option<i32>,
    /// As 5.1, for sources that have it.
    pub surround_clufs: Option<i32>,
    /// Milliseconds that were listened to.
    pub measured_ms: u64,
}

/// One embedded subtitle stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleStream {
    /// GStreamer's stream id; of captions with their channel behind it ([`crate::captions`]).
    pub stream_id: String,
    /// Media type: `text/x-raw`, `subpicture/x-pgs`.
    pub codec: String,
    /// BCP 47 tag, if tagged.
    pub language: Option<String>,
    /// A title, if tagged.
    #[serde(default)]
    pub title: Option<String>,
}

/// One chapter as the container has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbedChapter {
    /// Where it begins.
    pub start_ns: u64,
    /// Where it ends, if the container says.
    pub end_ns: Option<u64>,
    /// Its name, if it has one.
    pub title: Option<String>,
    /// Language of the name as the container tags it.
    pub language: Option<String>,
}

/// What makes a picture upright, in GStreamer's `image-orientation` words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// It is.
    #[default]
    Rotate0,
    /// A quarter turn clockwise.
    Rotate90,
    /// Half a turn.
    Rotate180,
    /// A quarter turn counter-clockwise.
    Rotate270,
    /// Mirrored, then as `Rotate0`.
    FlipRotate0,
    /// Mirrored, then as `Rotate90`.
    FlipRotate90,
    /// Mirrored, then as `Rotate180`.
    FlipRotate180,
    /// Mirrored, then as `Rotate270`.
    FlipRotate270,
}

impl Orientation {
    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        matches!(self, Self::Rotate90 | Self::Rotate270 | Self::FlipRotate90 | Self::FlipRotate270)
    }
}

/// Something a person should know about a source or its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable word: `bitmap_subtitles`, `frames_lost`.
    pub code: String,
    /// A sentence that says what was lost and why.
    pub message: String,
}
