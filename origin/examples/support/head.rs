//! The head of a made-up public video: a picture of 360 lines and captions.

use kinora_media::{
    Access, FrameRate, HEAD_SCHEMA, Head, Page, Status, TextTrack, Track, TrackId, TrackKind,
    VideoId, VideoTrack,
};

/// Ticks of the picture.
pub(crate) const SECOND: u64 = 90_000;

pub(crate) fn head(
    video: VideoId,
    picture: TrackId,
    text: TrackId,
    tail: Page,
    seconds: u64,
) -> Head {
    let frame_rate = FrameRate::new(30, 1).unwrap();
    let kinds = [
        (picture, SECOND, TrackKind::Video(VideoTrack { width: 640, height: 360, frame_rate })),
        (text, 1000, TrackKind::Text(TextTrack { language: "en".into(), name: "English".into() })),
    ];
    let tracks = kinds.map(|(id, timescale, kind)| Track {
        id,
        timescale: timescale as u32,
        codec: if matches!(kind, TrackKind::Text(_)) { "wvtt" } else { "avc1.4d401e" }.into(),
        max_bandwidth: 9_000_000,
        priming: 0,
        kind,
    });
    let published_at_us = 1_700_000_000_000_000;
    Head {
        schema: HEAD_SCHEMA,
        video,
        version: 1,
        revision: 1,
        status: Status::Complete,
        access: Access::Public,
        first_published_complete: true,
        writer: String::new(),
        published_at_us,
        first_published_at_us: published_at_us,
        duration_us: seconds * 1_000_000,
        target_duration_s: 2,
        tracks: tracks.to_vec(),
        periods: Vec::new(),
        pages: Vec::new(),
        tail,
        chapters: Vec::new(),
        pictures: None,
        encryption: kinora_media::Encryption::None,
    }
}
