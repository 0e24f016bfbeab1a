//! Reports to plan from, for this crate's tests.

use kinora_media::FrameRate;

use crate::{
    AudioStream, Coded, CodedGops, Orientation, Plan, PlanError, ProbeReport, Profile, VideoStream,
    plan,
};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// Ten seconds of picture from 1 s on.
pub(crate) fn video(width: u32, height: u32, fps: u32) -> VideoStream {
    VideoStream {
        stream_id: "abc/001".into(),
        codec: "video/x-h264".into(),
        width,
        height,
        pixel_aspect: (1, 1),
        orientation: Orientation::Rotate0,
        frame_rate: FrameRate::new(fps, 1).unwrap(),
        variable_rate: false,
        interlaced: false,
        colorimetry: Some("bt709".into()),
        hdr: false,
        peak_nits: None,
        bit_depth: 8,
        first_pts_ns: SECOND,
        end_pts_ns: 11 * SECOND,
        frames: 10 * u64::from(fps),
        key_frames_ns: (0..10).map(|n| (1 + n) * SECOND).collect(),
        coded: None,
    }
}

/// Pictures at 30 frames a second in closed GOPs of so many frames.
pub(crate) fn coded_video(gops: &[u32], bytes_a_frame: u64) -> VideoStream {
    let mut stream = video(1280, 720, 30);
    stream.frames = gops.iter().map(|frames| u64::from(*frames)).sum();
    stream.end_pts_ns = stream.first_pts_ns + stream.frame_rate.frame_nanos(stream.frames);
    stream.coded = Some(Coded::Fit(CodedGops {
        avcc: "0164001f".into(),
        level: 31,
        frames: gops.to_vec(),
        bytes: gops.iter().map(|frames| u64::from(*frames) * bytes_a_frame).collect(),
    }));
    stream
}

/// Ten seconds of sound from 1 s on.
pub(crate) fn audio(sample_rate: u32) -> AudioStream {
    AudioStream {
        stream_id: "abc/002".into(),
        codec: "audio/mpeg".into(),
        channels: 2,
        sample_rate,
        language: Some("en".into()),
        title: None,
        default: false,
        loudness: None,
        first_pts_ns: SECOND,
        end_pts_ns: 11 * SECOND,
    }
}

pub(crate) fn report(video: Option<VideoStream>, audio: Vec<AudioStream>) -> ProbeReport {
    ProbeReport {
        container: "video/quicktime".into(),
        size: 1_000_000,
        promised_duration_ns: Some(10 * SECOND),
        seekable: true,
        scanned_whole: true,
        video,
        audio,
        subtitles: vec![],
        chapters: vec![],
        warnings: vec![],
        encoders: vec![],
    }
}

pub(crate) fn plan_by_default(report: &ProbeReport) -> Result<Plan, PlanError> {
    plan(report, &Profile::default())
}
