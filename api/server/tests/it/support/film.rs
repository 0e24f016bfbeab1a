//! A film that a test writes into a store as a publisher would, without anything to encode.

use std::path::Path;

use kinora_media::{
    Access, ChunkEntry, FrameRate, HEAD_SCHEMA, Head, Page, SegmentEntry, Status, Track, TrackId,
    TrackKind, VideoId, VideoTrack, playback,
};
use kinora_store::{Condition, FsStore, ObjectStore, Put, keys};

const SECONDS: u64 = 2;
const SCALE: u64 = 90_000;

/// A film of one picture.
pub(crate) struct Film {
    store: FsStore,
    head: Head,
    etag: Option<String>,
    track: TrackId,
}

impl Film {
    /// With nothing to play, in the store of the server whose data folder this is.
    pub(crate) async fn new(data: &Path) -> Self {
        let store = FsStore::open(data.join("store")).unwrap();
        let track: TrackId = "v360".parse().unwrap();
        let video: VideoId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let init = keys::init(video, 1, &track);
        store.put(&init, "init".into(), Condition::Absent).await.unwrap();
        let head = head(video, track.clone());
        Self { store, head, etag: None, track }
    }

    /// Adds one object with `count` segments of `bytes` each.
    pub(crate) async fn append(&mut self, count: u64, bytes: u64) {
        let chunks = self.head.tail.tracks.entry(self.track.clone()).or_default();
        let object = keys::chunk_object(chunks.len() as u32, 1);
        let first = chunks.iter().map(|chunk| chunk.segments.len() as u64).sum::<u64>();
        let body: Vec<u8> =
            (first..first + count).flat_map(|nth| self::bytes(nth, bytes)).collect();
        let segments = vec![SegmentEntry::new(bytes, SECONDS * SCALE); count as usize];
        chunks.push(ChunkEntry {
            object: object.clone(),
            start: first * SECONDS * SCALE,
            segments,
        });
        let key = keys::track_object(self.head.video, 1, &self.track, &object);
        let put = self.store.put(&key, body.into(), Condition::Absent).await.unwrap();
        assert_ne!(put, Put::ConditionFailed, "{key}");
    }

    /// Swaps the head.
    pub(crate) async fn publish(&mut self, status: Status) {
        self.head.revision += 1;
        self.head.status = status;
        let condition = self.etag.take().map_or(Condition::Absent, Condition::Matches);
        let body = serde_json::to_vec(&self.head).unwrap();
        let key = keys::head(self.head.video, 1);
        let put = self.store.put(&key, body.into(), condition).await.unwrap();
        let Put::Stored { etag } = put else { panic!("another publisher") };
        self.etag = Some(etag);
    }

    /// The address of one of its files at an origin.
    pub(crate) fn url(&self, origin: &str, file: &str) -> String {
        format!("{origin}{}", playback::path(None, self.head.video, 1, file))
    }
}

/// What a segment has in it.
pub(crate) fn bytes(nth: u64, length: u64) -> Vec<u8> {
    vec![nth as u8; length as usize]
}

fn head(video: VideoId, id: TrackId) -> Head {
    let frame_rate = FrameRate::new(30, 1).unwrap();
    let track = Track {
        id,
        timescale: SCALE as u32,
        codec: "avc1.4d401e".into(),
        max_bandwidth: 9_000_000,
        priming: 0,
        kind: TrackKind::Video(VideoTrack { width: 640, height: 360, frame_rate }),
    };
    let published_at_us = 1_700_000_000_000_000;
    Head {
        schema: HEAD_SCHEMA,
        video,
        version: 1,
        revision: 0,
        status: Status::Growing,
        access: Access::Public,
        first_published_complete: false,
        writer: "test".into(),
        published_at_us,
        first_published_at_us: published_at_us,
        duration_us: 3_600_000_000,
        target_duration_s: SECONDS as u32,
        tracks: vec![track],
        periods: Vec::new(),
        pages: Vec::new(),
        tail: Page::default(),
        chapters: Vec::new(),
        pictures: None,
        encryption: kinora_media::Encryption::None,
    }
}
