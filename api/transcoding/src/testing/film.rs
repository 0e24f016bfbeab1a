//! Films to encode.

use kinora_media::FrameRate;
use kinora_plan::{
    AudioStream, Orientation, ProbeReport, SubtitleStream, VideoStream, Warning,
    device::{EncoderDevice, EncoderFamily},
};

const SECOND: u64 = 1_000_000_000;

/// What a film holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Film {
    /// Picture and sound, the sound a little longer.
    Talkie(u64),
    /// The same, planned by its quality.
    Measured(u64),
    /// Picture alone.
    Silent(u64),
    /// Picture, sound and subtitles, in a file short enough to be read for them first.
    Subtitled(u64),
    /// The same in a file so large that its subtitles come late.
    Epic(u64),
    /// Picture and sound, on a host with a graphics processor.
    Rendered(u64),
    /// Sound alone.
    Radio(u64),
    /// Nothing that can be encoded.
    Blank,
}

impl Film {
    /// What a probe finds in it.
    pub(crate) fn probed(self) -> ProbeReport {
        let (video, audio) = match self {
            Self::Talkie(seconds)
            | Self::Measured(seconds)
            | Self::Rendered(seconds)
            | Self::Subtitled(seconds)
            | Self::Epic(seconds) => {
                (Some(video(seconds)), vec![audio(seconds * SECOND + SECOND / 3)])
            }
            Self::Silent(seconds) => (Some(video(seconds)), vec![]),
            Self::Radio(seconds) => (None, vec![audio(seconds * SECOND)]),
            Self::Blank => (None, vec![]),
        };
        ProbeReport {
            container: "video/quicktime".into(),
            size: if matches!(self, Self::Epic(_)) { 10 << 30 } else { 1_000_000 },
            promised_duration_ns: None,
            seekable: true,
            scanned_whole: true,
            video,
            audio,
            subtitles: self.subtitles(),
            chapters: vec![],
            warnings: vec![Warning { code: "odd".into(), message: "The clip is odd.".into() }],
            encoders: self.encoders(),
        }
    }
}

impl Film {
    /// How long it lasts, if there is anything to encode.
    pub(crate) fn seconds(self) -> Option<u64> {
        match self {
            Self::Talkie(seconds)
            | Self::Silent(seconds)
            | Self::Measured(seconds)
            | Self::Rendered(seconds)
            | Self::Subtitled(seconds)
            | Self::Epic(seconds)
            | Self::Radio(seconds) => Some(seconds),
            Self::Blank => None,
        }
    }

    fn encoders(self) -> Vec<EncoderDevice> {
        let device =
            EncoderDevice { id: "fake-0".into(), family: EncoderFamily::Fake, sessions: 8 };
        if matches!(self, Self::Rendered(_)) { vec![device] } else { vec![] }
    }

    fn subtitles(self) -> Vec<SubtitleStream> {
        let stream = SubtitleStream {
            stream_id: "abc/003".into(),
            codec: "text/x-raw".into(),
            language: Some("eng".into()),
            title: None,
        };
        if matches!(self, Self::Subtitled(_) | Self::Epic(_)) { vec![stream] } else { vec![] }
    }
}

fn video(seconds: u64) -> VideoStream {
    VideoStream {
        stream_id: "abc/001".into(),
        codec: "video/x-h264".into(),
        width: 640,
        height: 360,
        pixel_aspect: (1, 1),
        orientation: Orientation::Rotate0,
        frame_rate: FrameRate::new(30, 1).unwrap(),
        variable_rate: false,
        interlaced: false,
        colorimetry: None,
        hdr: false,
        peak_nits: None,
        bit_depth: 8,
        first_pts_ns: 0,
        end_pts_ns: seconds * SECOND,
        frames: seconds * 30,
        key_frames_ns: (0..seconds).map(|n| n * SECOND).collect(),
        coded: None,
    }
}

fn audio(length_ns: u64) -> AudioStream {
    AudioStream {
        stream_id: "abc/002".into(),
        codec: "audio/mpeg".into(),
        channels: 2,
        sample_rate: 48_000,
        language: Some("en".into()),
        title: None,
        default: false,
        loudness: None,
        first_pts_ns: 0,
        end_pts_ns: length_ns,
    }
}
