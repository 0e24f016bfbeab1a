//! An origin whose store is another origin.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::future::join_all;
use kinora_media::{
    Access, Status,
    playback::{self, TokenKeys, mint_read, mint_token},
};
use kinora_origin::OriginConfig;
use kinora_store::{
    ByteRange, Condition, Key, ObjectStore, Retries, UpstreamConfig, UpstreamStore, keys,
};

use crate::fixture::{LOOPBACK, Origin, TestStore, Video, key, path, segment, track};

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// As `upstream` hands its store out, asked once or twice.
fn store_of(upstream: &Origin) -> Arc<UpstreamStore> {
    let url = format!("http://{}", upstream.address);
    let mut config = UpstreamConfig::new(url, TokenKeys::from(vec![key()]));
    config.retries = Retries { times: 1, ..config.retries };
    Arc::new(UpstreamStore::new(config).unwrap())
}

fn config() -> OriginConfig {
    OriginConfig { token_keys: vec![key()].into(), ..OriginConfig::default() }
}

pub(crate) async fn before(upstream: &Origin) -> Origin {
    Origin::begin(LOOPBACK, store_of(upstream), config())
}

const FILES: [&str; 8] = [
    "hls.m3u8",
    "dash.mpd",
    "v360.m3u8",
    "v360/init.mp4",
    "v360/0.m4s",
    "v360/5.m4s",
    "a-en/3.m4s",
    "t-en/0.vtt",
];

#[tokio::test]
async fn it_answers_as_the_one_before_the_store() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let upstream = Origin::start(&store).await;
    let shield = before(&upstream).await;
    for file in FILES {
        for range in [None, Some("bytes=3-9"), Some("bytes=-5"), Some("bytes=99999-")] {
            let ask = async |origin: &Origin| {
                let request = origin.request("GET", &path(file));
                let request = match range {
                    Some(range) => request.header("Range", range),
                    None => request,
                };
                let answer = request.send().await.unwrap();
                let header = |name| answer.headers().get(name).cloned();
                let said = ["etag", "last-modified", "content-range", "cache-control"].map(header);
                (answer.status(), said, answer.bytes().await.unwrap())
            };
            assert_eq!(ask(&shield).await, ask(&upstream).await, "{file} {range:?}");
        }
    }
    assert_eq!(shield.status("/readyz").await, 200);
    assert_eq!(shield.status(&path("v360/99.m4s")).await, 404);
}

/// The slices are the same in both, so players of either share them.
#[tokio::test]
async fn many_at_both_are_one_read() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let upstream = Origin::start(&store).await;
    let shields = [before(&upstream).await, before(&upstream).await];
    let file = path("v360/3.m4s");
    let crowd = shields.iter().chain([&upstream]);
    let asked = join_all(crowd.flat_map(|origin| (0..50).map(|_| origin.get(&file)))).await;
    for answer in asked {
        assert_eq!(answer.bytes().await.unwrap(), segment("v360", 3));
    }
    assert_eq!(store.media_reads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_store_behind_it_is_read_as_any_other() {
    let store = TestStore::new();
    let video = Video::finished(&store, Access::Public).await;
    let id = video.head.video;
    let object = keys::track_object(id, 1, &track("v360"), "00009-1.m4s");
    video.create(object.clone(), "0123456789".into()).await;
    let nothing = keys::track_object(id, 1, &track("v360"), "00010-1.m4s");
    video.create(nothing.clone(), "".into()).await;
    let upstream = Origin::start(&store).await;
    let read = store_of(&upstream);
    for key in [&object, &nothing, &keys::head(id, 1), &keys::index(id, 1, "page-0000.json")] {
        let (mut meta, body) = store.get(key).await.unwrap().unwrap();
        // Dates are whole seconds on the way.
        meta.modified_at_us -= meta.modified_at_us % 1_000_000;
        assert_eq!(read.head(key).await.unwrap(), Some(meta.clone()));
        assert_eq!(read.get(key).await.unwrap(), Some((meta, body)));
    }
    for (offset, length, expected) in [
        (0, 10, "0123456789"),
        (0, 3, "012"),
        (4, 2, "45"),
        (8, 10, "89"),
        (9, u64::MAX, "9"),
        (10, 1, ""),
        (u64::MAX, 5, ""),
        (3, 0, ""),
    ] {
        let range = ByteRange { offset, length };
        let found = read.get_range(&object, range).await.unwrap().unwrap();
        assert_eq!(found, expected, "{length} bytes from {offset}");
    }
    let missing = keys::track_object(id, 1, &track("v360"), "00011-1.m4s");
    let range = ByteRange { offset: 0, length: 1 };
    assert_eq!(read.head(&missing).await.unwrap(), None);
    assert_eq!(read.get(&missing).await.unwrap(), None);
    assert_eq!(read.get_range(&missing, range).await.unwrap(), None);
    assert!(read.put(&missing, "x".into(), Condition::Absent).await.is_err());
    assert!(read.delete(&object).await.is_err());
}

#[tokio::test]
async fn nobody_else_reads_the_store() {
    let store = TestStore::new();
    let video = Video::finished(&store, Access::Signed).await;
    let id = video.head.video;
    video.create(keys::source(id), "as uploaded".into()).await;
    let upstream = Origin::start(&store).await;
    let object = keys::init(id, 1, &track("v360"));
    let ask = async |key: &Key, credential: Option<&str>| {
        let mut request = upstream.request("GET", &format!("/store/{key}"));
        if let Some(credential) = credential {
            request = request.header("Authorization", format!("Bearer {credential}"));
        }
        request.send().await.unwrap().status().as_u16()
    };
    let good = |object: &Key| mint_read(&key(), object.as_str(), now_s() + 60);
    assert_eq!(ask(&object, Some(&good(&object))).await, 200);
    assert_eq!(ask(&object, None).await, 403);
    let playback = mint_token(&key(), id, now_s() + 60);
    let expired = mint_read(&key(), object.as_str(), now_s() - 3600);
    for bad in ["", "~", &playback, &expired, &good(&keys::head(id, 1))] {
        assert_eq!(ask(&object, Some(bad)).await, 403, "{bad}");
    }
    let source = keys::source(id);
    assert_eq!(ask(&source, Some(&good(&source))).await, 404, "media alone");
    // Nor does what reads an object play the video.
    let read = good(&keys::head(id, 1));
    assert_eq!(upstream.status(&playback::path(Some(&read), id, 1, "hls.m3u8")).await, 403);
    // Without keys it is closed to all.
    let open = Origin::start_as_is(&store, OriginConfig::default()).await;
    let request = open.request("GET", &format!("/store/{object}"));
    let request = request.header("Authorization", format!("Bearer {}", good(&object)));
    assert_eq!(request.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_private_video_is_as_private_behind_it() {
    let store = TestStore::new();
    let video = Video::finished(&store, Access::Signed).await;
    let upstream = Origin::start(&store).await;
    let shield = before(&upstream).await;
    let token = mint_token(&key(), video.head.video, now_s() + 600);
    let opened = playback::path(Some(&token), video.head.video, 1, "v360/0.m4s");
    for _ in 0..3 {
        assert_eq!(shield.status(&opened).await, 200);
        assert_eq!(shield.status(&path("v360/0.m4s")).await, 403);
    }
}

#[tokio::test]
async fn a_dead_upstream_is_everybodys_failure_and_is_not_remembered() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let upstream = Origin::start(&store).await;
    let shield = before(&upstream).await;
    assert_eq!(shield.status(&path("v360/0.m4s")).await, 200);
    // First its store, then itself.
    store.away.store(true, Ordering::SeqCst);
    let file = path("v360/3.m4s");
    let refused = join_all((0..20).map(|_| shield.status(&file))).await;
    assert_eq!(refused, [503; 20]);
    store.away.store(false, Ordering::SeqCst);
    assert_eq!(shield.get(&path("v360/3.m4s")).await.bytes().await.unwrap(), segment("v360", 3));
    let address = upstream.address;
    upstream.shutdown.cancel();
    upstream.task.await.unwrap().unwrap();
    let file = path("v360/4.m4s");
    let refused = join_all((0..20).map(|_| shield.status(&file))).await;
    assert_eq!(refused, [503; 20]);
    assert_eq!(shield.status("/readyz").await, 503);
    assert_eq!(shield.status(&path("v360/0.m4s")).await, 200, "it has that");
    let _again = Origin::begin(address, store.clone(), config());
    assert_eq!(shield.get(&path("v360/4.m4s")).await.bytes().await.unwrap(), segment("v360", 4));
}

#[tokio::test]
async fn a_growing_video_grows_behind_it() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    video.append(2).await;
    video.publish(Status::Growing).await;
    let upstream = Origin::start(&store).await;
    let shield = before(&upstream).await;
    assert!(!shield.text(&path("v360.m3u8")).await.contains("2.m4s"));
    assert_eq!(shield.status(&path("v360/2.m4s")).await, 404);
    video.append(2).await;
    video.close_page().await;
    video.publish(Status::Growing).await;
    until(async || shield.text(&path("v360.m3u8")).await.contains("3.m4s")).await;
    assert_eq!(shield.get(&path("v360/3.m4s")).await.bytes().await.unwrap(), segment("v360", 3));
    video.publish(Status::Complete).await;
    until(async || shield.text(&path("v360.m3u8")).await.contains("ENDLIST")).await;
    video.publish(Status::Deleted).await;
    // A complete one is looked at every half minute; another that was not there before at once.
    assert_eq!(before(&upstream).await.status(&path("v360.m3u8")).await, 410);
}

/// Waits until something is so.
async fn until(so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it comes true");
}

#[tokio::test]
async fn a_chain_of_three_serves_too() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let first = Origin::start(&store).await;
    let second = before(&first).await;
    let third = before(&second).await;
    assert_eq!(third.get(&path("v360/3.m4s")).await.bytes().await.unwrap(), segment("v360", 3));
    assert_eq!(store.media_reads.load(Ordering::SeqCst), 1);
}
