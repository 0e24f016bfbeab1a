//! Tracks, access units and heads that tests share.

use bytes::Bytes;
use kinora_media::{
    Access, AccessUnit, AudioRole, AudioTrack, ChunkEntry, FrameRate, HEAD_SCHEMA, Head, Page,
    PageRef, Picture, Pictures, SegmentEntry, Sheet, Status, Storyboard, TextTrack, Track, TrackId,
    TrackKind, VideoTrack,
};
use kinora_packager::cmaf::{AudioConfig, BitRate, Colour, VideoConfig};

/// What x264 writes for 640×360 at level 3.0, shortened.
pub(crate) const AVCC: &[u8] = &[
    1, 0x64, 0, 0x1e, 0xff, 0xe1, 0, 10, 0x67, 0x64, 0, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9,
    1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb, 0xfd, 0xf8, 0xf8, 0,
];

pub(crate) fn video_config() -> VideoConfig {
    VideoConfig {
        timescale: 90_000,
        width: 640,
        height: 360,
        avcc: Bytes::from_static(AVCC),
        colour: Some(Colour::BT709),
        bit_rate: Some(BitRate { buffer_bytes: 100_000, max: 800_000, average: 0 }),
    }
}

pub(crate) fn audio_config() -> AudioConfig {
    AudioConfig {
        timescale: 48_000,
        channels: 2,
        asc: Bytes::from_static(&[0x11, 0x90]),
        priming: 1024,
        max_bitrate: 140_000,
        avg_bitrate: 128_000,
    }
}

/// A closed GOP at `start`, decoded `I P B B P B B …`, shown `I B B P B B P …`.
pub(crate) fn gop(start: i64, frame: u32, frames: usize) -> Vec<AccessUnit> {
    let shown = |n: usize| match n.checked_sub(1) {
        None => 0,
        Some(after) => {
            let (group, place) = (1 + after / 3 * 3, after % 3);
            let last = group + (frames - group).min(3) - 1;
            if place == 0 { last } else { group + place - 1 }
        }
    };
    let unit = |n: usize| AccessUnit {
        pts: start + shown(n) as i64 * i64::from(frame),
        duration: frame,
        key: n == 0,
        data: Bytes::from(vec![n as u8; n + 1]),
    };
    (0..frames).map(unit).collect()
}

pub(crate) fn audio_frames(start: u64, frames: usize) -> Vec<AccessUnit> {
    let unit = |n: usize| AccessUnit {
        pts: (start + n as u64 * 1024) as i64,
        duration: 1024,
        key: true,
        data: Bytes::from(vec![n as u8; 5]),
    };
    (0..frames).map(unit).collect()
}

pub(crate) fn id(name: &str) -> TrackId {
    TrackId::new(name).unwrap()
}

pub(crate) fn video(name: &str, width: u32, height: u32, rate: (u32, u32), cap: u64) -> Track {
    let frame_rate = FrameRate::new(rate.0, rate.1).unwrap();
    Track {
        id: id(name),
        timescale: frame_rate.timescale(),
        codec: "avc1.64001f".into(),
        max_bandwidth: cap,
        priming: 0,
        kind: TrackKind::Video(VideoTrack { width, height, frame_rate }),
    }
}

pub(crate) fn audio(name: &str, language: &str, label: &str, default: bool) -> Track {
    Track {
        id: id(name),
        timescale: 48_000,
        codec: "mp4a.40.2".into(),
        max_bandwidth: 140_000,
        priming: 1024,
        kind: TrackKind::Audio(AudioTrack {
            sample_rate: 48_000,
            channels: 2,
            language: language.into(),
            name: label.into(),
            default,
            surround_of: None,
            role: AudioRole::Main,
        }),
    }
}

/// A 5.1 version of the soundtrack `original`.
pub(crate) fn surround(original: &Track) -> Track {
    let mut track = original.clone();
    track.id = id(&format!("{}-51", original.id));
    track.max_bandwidth = 500_000;
    if let TrackKind::Audio(audio) = &mut track.kind {
        audio.channels = 6;
        audio.default = false;
        audio.surround_of = Some(original.id.clone());
    }
    track
}

pub(crate) fn text(name: &str, language: &str, label: &str) -> Track {
    Track {
        id: id(name),
        timescale: 1000,
        codec: "wvtt".into(),
        max_bandwidth: 1000,
        priming: 0,
        kind: TrackKind::Text(TextTrack { language: language.into(), name: label.into() }),
    }
}

/// A chunk of segments of the same bytes a tick.
pub(crate) fn chunk(object: &str, start: u64, durations: &[u64]) -> ChunkEntry {
    let segment = |duration: &u64| SegmentEntry::new(*duration, *duration);
    ChunkEntry { object: object.into(), start, segments: durations.iter().map(segment).collect() }
}

/// Notes of every segment of the picture that its key frame ends after a tenth of it.
pub(crate) fn note_key_frames(head: &mut Head, pages: &mut [Page]) {
    for page in pages.iter_mut().chain([&mut head.tail]) {
        let pictures = page.tracks.iter_mut().filter(|(id, _)| id.as_str().starts_with('v'));
        for segment in pictures.flat_map(|(_, chunks)| chunks).flat_map(|c| &mut c.segments) {
            segment.key_frame = Some(segment.size / 10);
        }
    }
}

/// A storyboard of 12 tiles on two sheets.
pub(crate) fn pictures() -> Pictures {
    let picture =
        |object: &str, width, height| Picture { object: object.into(), size: 9000, width, height };
    let sheet =
        |n: u64| Sheet { object: format!("storyboard-{n:03}-1.jpg"), size: 40_000 - n * 10_000 };
    Pictures {
        poster: picture("poster-1.jpg", 1280, 720),
        small: picture("small-1.jpg", 320, 180),
        storyboard: Storyboard {
            tile_width: 160,
            tile_height: 90,
            columns: 5,
            rows: 2,
            interval_us: 500_000,
            tiles: 11,
            sheets: vec![sheet(0), sheet(1)],
        },
    }
}

/// Frames of the audio segments that cut nearest to 2 s, 4 s and 5.5 s of sound.
pub(crate) const AUDIO_FRAMES: [u64; 3] = [95, 94, 70];

/// Segments of a track: `v…` at the frame rate's timescale 2 s, 2 s and 1.5 s; `a…` to match.
fn durations(track: &Track) -> Vec<u64> {
    match &track.kind {
        TrackKind::Video(video) => {
            let frame = u64::from(video.frame_rate.frame_ticks());
            let gop = video.frame_rate.frames_nearest(2) * frame;
            vec![gop, gop, gop * 3 / 4]
        }
        TrackKind::Audio(_) => AUDIO_FRAMES.iter().map(|frames| frames * 1024).collect(),
        TrackKind::Text(_) => Vec::new(),
    }
}

/// A head of 5.5 s that lists `segments` of 3, the first on a closed page.
pub(crate) fn head(tracks: Vec<Track>, segments: usize, status: Status) -> (Head, Vec<Page>) {
    let mut closed = Page::default();
    let mut tail = Page::default();
    for track in tracks.iter().filter(|track| !matches!(track.kind, TrackKind::Text(_))) {
        let durations = &durations(track)[..segments];
        let (first, rest) = durations.split_at(1);
        closed.tracks.insert(track.id.clone(), vec![chunk("00000-1.m4s", 0, first)]);
        if !rest.is_empty() {
            tail.tracks.insert(track.id.clone(), vec![chunk("00001-1.m4s", first[0], rest)]);
        }
    }
    let head = Head {
        schema: HEAD_SCHEMA,
        video: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
        version: 1,
        revision: 3,
        writer: "test".into(),
        status,
        access: Access::Public,
        first_published_complete: false,
        published_at_us: 1_767_225_601_250_000,
        first_published_at_us: 1_767_225_600_500_000,
        duration_us: 5_500_000,
        target_duration_s: 2,
        tracks,
        periods: vec![],
        pages: vec![PageRef { object: "page-0000.json".into(), segments: closed.counts() }],
        tail,
        chapters: Vec::new(),
        pictures: None,
        encryption: kinora_media::Encryption::None,
    };
    (head, vec![closed])
}

/// The usual tracks: two renditions, two soundtracks, captions.
pub(crate) fn tracks() -> Vec<Track> {
    vec![
        video("v1080", 1920, 1080, (60, 1), 5_500_000),
        video("v480", 854, 480, (30, 1), 1_500_000),
        audio("a-en", "en", "English", true),
        audio("a-de", "de", "Deutsch", false),
        text("t-en", "en", "English"),
        text("t-fr", "fr", "\"Français\" & <co>"),
    ]
}
