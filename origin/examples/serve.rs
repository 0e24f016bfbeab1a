//! An origin before a made-up video, for judges and comparisons:
//! `serve FOLDER [PORT]` writes a store to FOLDER/store and the same segments as plain files to
//! FOLDER/www, prints where it listens, and serves until it is killed.

#![allow(clippy::unwrap_used)] // a tool for developers may stop where it stumbles

#[path = "support/head.rs"]
mod head;

use std::{num::NonZeroUsize, path::Path, sync::Arc};

use kinora_media::{ChunkEntry, Page, SegmentEntry, TrackId, VideoId, playback};
use kinora_origin::{ListenAddress, OriginConfig};
use kinora_store::{Condition, FsStore, ObjectStore, keys};
use tokio_util::sync::CancellationToken;

use head::{SECOND, head};

const VIDEO: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// Bytes of each segment, in order.
const SIZES: [usize; 5] = [2 << 10, 20 << 10, 64 << 10, 200 << 10, 2 << 20];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("usage: serve FOLDER [PORT]");
    let port: u16 = arguments.next().map_or(0, |port| port.parse().expect("a port"));
    let store = store(Path::new(&folder)).await;
    let listeners = kinora_origin::listen(
        &ListenAddress::Tcp(([127, 0, 0, 1], port).into()),
        NonZeroUsize::MIN,
    )
    .unwrap();
    let root = playback::path(None, VIDEO.parse().unwrap(), 1, "");
    println!("http://{}{root}", listeners[0].address().unwrap());
    let forever = CancellationToken::new();
    kinora_origin::serve(listeners, OriginConfig::default(), store, forever).await.unwrap();
}

/// A store with the video in it, and its segments as files beside.
async fn store(folder: &Path) -> Arc<dyn ObjectStore> {
    let www = folder.join("www");
    std::fs::create_dir_all(&www).unwrap();
    let store = FsStore::open(folder.join("store")).unwrap();
    let video: VideoId = VIDEO.parse().unwrap();
    let (picture, text): (TrackId, TrackId) = ("v360".parse().unwrap(), "t-en".parse().unwrap());
    let put = async |key, body: Vec<u8>| {
        store.put(&key, body.into(), Condition::Absent).await.unwrap();
    };
    let mut object = Vec::new();
    for (nth, size) in SIZES.into_iter().enumerate() {
        let mut body: Vec<u8> = (0..size).map(|n| (n.wrapping_mul(31) + nth) as u8).collect();
        body[..16].copy_from_slice(b"\0\0\0\x10stypmsdh\0\0\0\0");
        std::fs::write(www.join(format!("{nth}.m4s")), &body).unwrap();
        object.extend(body);
    }
    let mut init = b"\0\0\0\x18ftypcmf2\0\0\0\0mp42iso6".to_vec();
    init.resize(1000, 0);
    put(keys::init(video, 1, &picture), init).await;
    put(keys::track_object(video, 1, &picture, &keys::chunk_object(0, 1)), object).await;
    let captions = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n".repeat(30);
    let caption = SegmentEntry::new(captions.len() as u64, 10_000);
    put(keys::track_object(video, 1, &text, &keys::text_object(1)), captions).await;

    let entries = SIZES.map(|size| SegmentEntry::new(size as u64, 2 * SECOND)).to_vec();
    let mut tail = Page::default();
    let chunk = |object, segments| vec![ChunkEntry { object, start: 0, segments }];
    tail.tracks.insert(picture.clone(), chunk(keys::chunk_object(0, 1), entries));
    tail.tracks.insert(text.clone(), chunk(keys::text_object(1), vec![caption]));
    let head = head(video, picture, text, tail, 10);
    put(keys::head(video, 1), serde_json::to_vec(&head).unwrap()).await;
    Arc::new(store)
}
