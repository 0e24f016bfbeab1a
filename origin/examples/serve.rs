//! An origin before a made-up video, for judges and comparisons:
//! `serve FOLDER [PORT]` writes a store to FOLDER/store and the same segments as plain files to
//! FOLDER/www, prints where it listens, and serves until it is killed.

#![allow(clippy::unwrap_used)] // a tool for developers may stop where it stumbles

#[path = "support/head.rs"]
mod head;
#[path = "support/live.rs"]
mod live;

use std::{net::SocketAddr, num::NonZeroUsize, path::Path, sync::Arc};

use kinora_media::{
    Access, Chapter, ChunkEntry, Encryption, Page, Picture, Pictures, SegmentEntry, Sheet,
    Storyboard, TrackId, VideoId,
    playback::{self, TokenKey, mint_token},
};
use kinora_origin::{ListenAddress, Listener, Live, OriginConfig, listen};
use kinora_packager::crypt::IndexKey;
use kinora_store::{Condition, FsStore, Key, ObjectStore, keys};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use head::{SECOND, head};

const VIDEO: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const ENCRYPTED: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
/// Bytes of each segment, in order.
const SIZES: [usize; 5] = [2 << 10, 20 << 10, 64 << 10, 200 << 10, 2 << 20];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("usage: serve FOLDER [PORT]");
    let port: u16 = arguments.next().map_or(0, |port| port.parse().expect("a port"));
    let store = store(Path::new(&folder)).await;
    let [here, ingest] = [port, 0].map(listener);
    let (address, forever) = (here.address().unwrap(), CancellationToken::new());
    let (key, live) = (TokenKey { id: "k1".into(), secret: vec![9; 32] }, Live::default());
    let token = mint_token(&key, ENCRYPTED.parse().unwrap(), i64::MAX);
    let put = live::at(&ingest);
    tokio::spawn(kinora_origin::serve_ingest(ingest, live.clone(), forever.clone()));
    tokio::task::spawn_blocking(move || stream(put)).await.unwrap();
    println!("http://{address}{}", playback::path(None, VIDEO.parse().unwrap(), 1, ""));
    let encrypted = playback::path(Some(&token), ENCRYPTED.parse().unwrap(), 1, "");
    println!("http://{address}{encrypted}");
    println!("http://{address}/live/{}/", live::STREAM);
    let config = OriginConfig { token_keys: vec![key].into(), live, ..OriginConfig::default() };
    kinora_origin::serve(vec![here], config, store, forever).await.unwrap();
}

fn listener(port: u16) -> Listener {
    let address = ListenAddress::Tcp(([127, 0, 0, 1], port).into());
    listen(&address, NonZeroUsize::MIN).unwrap().pop().unwrap()
}

/// A whole segment, and the beginning of the next.
fn stream(ingest: SocketAddr) {
    live::begin(ingest);
    live::put(ingest, "/v360/0.1?duration=250&last", &"another part".repeat(100));
    live::put(ingest, "/v360/1.0?duration=250&independent", &"one more".repeat(100));
}

/// A store with a video in it and an encrypted one, and the segments of either as files beside.
async fn store(folder: &Path) -> Arc<dyn ObjectStore> {
    let www = folder.join("www");
    std::fs::create_dir_all(&www).unwrap();
    let store = FsStore::open(folder.join("store")).unwrap();
    for (video, encryption) in [(VIDEO, Encryption::None), (ENCRYPTED, Encryption::Aes128)] {
        write(&store, &www, video.parse().unwrap(), encryption).await;
    }
    Arc::new(store)
}

async fn put(store: &FsStore, key: Key, body: Vec<u8>) {
    store.put(&key, body.into(), Condition::Absent).await.unwrap();
}

async fn write(store: &FsStore, www: &Path, video: VideoId, encryption: Encryption) {
    let (picture, text): (TrackId, TrackId) = ("v360".parse().unwrap(), "t-en".parse().unwrap());
    let mut object = Vec::new();
    for (nth, size) in SIZES.into_iter().enumerate() {
        let mut body: Vec<u8> = (0..size).map(|n| (n.wrapping_mul(31) + nth) as u8).collect();
        body[..16].copy_from_slice(b"\0\0\0\x10stypmsdh\0\0\0\0");
        std::fs::write(www.join(format!("{nth}.m4s")), &body).unwrap();
        object.extend(body);
    }
    let mut init = b"\0\0\0\x18ftypcmf2\0\0\0\0mp42iso6".to_vec();
    init.resize(1000, 0);
    put(store, keys::init(video, 1, &picture), init).await;
    put(store, keys::track_object(video, 1, &picture, &keys::chunk_object(0, 1)), object).await;
    let captions = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n".repeat(30);
    let caption = SegmentEntry::new(captions.len() as u64, 10_000);
    put(store, keys::track_object(video, 1, &text, &keys::text_object(1)), captions).await;

    let entries = SIZES.map(|size| SegmentEntry::new(size as u64, 2 * SECOND)).to_vec();
    let mut tail = Page::default();
    let chunk = |object, segments| vec![ChunkEntry { object, start: 0, segments }];
    tail.tracks.insert(picture.clone(), chunk(keys::chunk_object(0, 1), entries));
    tail.tracks.insert(text.clone(), chunk(keys::text_object(1), vec![caption]));
    let mut head = head(video, picture, text, tail, 10);
    head.pictures = Some(pictures(store, video).await);
    let chapter = |nth: u64| Chapter {
        start_us: nth * 500_000,
        end_us: (nth + 1) * 500_000,
        title: format!("Chapter {nth}"),
        language: None,
    };
    head.chapters = (0..20).map(chapter).collect();
    head.encryption = encryption;
    if !encryption.is_none() {
        head.access = Access::Signed;
        let key = IndexKey::of_random(&Zeroizing::new([7; 48])).to_text();
        put(store, keys::secret(video, 1), key.as_bytes().to_vec()).await;
    }
    put(store, keys::head(video, 1), serde_json::to_vec(&head).unwrap()).await;
}

/// Not that anybody could see them.
async fn pictures(store: &FsStore, video: VideoId) -> Pictures {
    let mut all = Vec::new();
    for object in ["poster-1.jpg", "small-1.jpg", "sheet-1.jpg"] {
        let body = [b"\xff\xd8\xff\xe0\0\x10JFIF\0", &[7; 3000][..]].concat();
        let size = body.len() as u64;
        put(store, keys::picture(video, 1, object).unwrap(), body).await;
        all.push(Picture { object: object.to_owned(), size, width: 320, height: 180 });
    }
    let [poster, small, sheet] = all.try_into().expect("three");
    let storyboard = Storyboard {
        tile_width: 160,
        tile_height: 90,
        columns: 5,
        rows: 5,
        interval_us: 1_000_000,
        tiles: 10,
        sheets: vec![Sheet { object: sheet.object, size: sheet.size }],
    };
    Pictures { poster, small, storyboard }
}
