//! What is read from the store, how often, and what happens when it is away.

use std::{sync::atomic::Ordering, time::Duration};

use futures::future::join_all;
use kinora_media::{Access, SegmentEntry, Status};
use kinora_store::{Condition, ObjectStore, keys};

use crate::fixture::{Origin, TestStore, Video, path, track, whole};

#[tokio::test]
async fn many_at_once_read_the_index_once() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    let files = ["hls.m3u8", "dash.mpd", "v360.m3u8", "v360/0.m4s", "a-en/5.m4s"];
    let asked = (0..100).map(|n| path(files[n % files.len()]));
    let statuses = join_all(asked.map(|file| {
        let origin = &origin;
        async move { origin.status(&file).await }
    }));
    assert!(statuses.await.iter().all(|status| *status == 200));
    assert_eq!(store.head_reads.load(Ordering::SeqCst), 1);
    assert_eq!(store.page_reads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_store_that_is_away_is_a_503_or_what_was_known() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    video.append(1).await;
    video.publish(Status::Growing).await;
    let (knows, does_not) = (Origin::start(&store).await, Origin::start(&store).await);
    assert_eq!(knows.status(&path("v360.m3u8")).await, 200);
    store.away.store(true, Ordering::SeqCst);
    insta::assert_snapshot!("store_away", whole(does_not.get(&path("hls.m3u8")).await).await);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(knows.status(&path("v360.m3u8")).await, 200, "as it was known");
    assert_eq!(knows.status(&path("v360/0.m4s")).await, 503);
    store.away.store(false, Ordering::SeqCst);
    assert_eq!(knows.status(&path("v360/0.m4s")).await, 200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(does_not.status(&path("hls.m3u8")).await, 200);
}

#[tokio::test]
async fn a_body_that_cannot_be_finished_is_cut_not_ended() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    let lie = SegmentEntry::new(2_000_000, 180_000);
    video.list("v360", 0, vec![lie], vec![1; 1_500_000].into()).await;
    let worse = SegmentEntry::new(2000, 96_000);
    video.list("a-en", 0, vec![worse], vec![1; 1000].into()).await;
    video.publish(Status::Growing).await;
    let origin = Origin::start(&store).await;

    let answer = origin.get(&path("v360/0.m4s")).await;
    assert_eq!((answer.status().as_u16(), answer.content_length()), (200, Some(2_000_000)));
    answer.bytes().await.expect_err("the client must notice");
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path("v360/0.m4s"));
    let raw = origin.raw(&request).await;
    assert!(raw.len() < 1_500_000, "closed after {} bytes", raw.len());

    assert_eq!(origin.status(&path("a-en/0.m4s")).await, 503, "it is known before the first byte");
    let object = keys::track_object(video.head.video, 1, &track("a-en"), "00000-1.m4s");
    store.delete(&object).await.unwrap();
    for method in ["GET", "HEAD"] {
        let answer = origin.request(method, &path("a-en/0.m4s")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{method} of what was deleted meanwhile");
    }
}

#[tokio::test]
async fn an_index_that_makes_no_sense_is_not_served() {
    let id = crate::fixture::VIDEO.parse().unwrap();
    let valid = TestStore::new();
    let video = Video::finished(&valid, Access::Public).await;
    let head = serde_json::to_value(&video.head).unwrap();
    let with = |name: &str, value: serde_json::Value| {
        let mut head = head.clone();
        head[name] = value;
        head.to_string()
    };
    let heads = [
        "nonsense".to_owned(),
        with("schema", 2.into()),
        with("version", 2.into()),
        with("pages", serde_json::json!([{ "object": "../head.json", "segments": {} }])),
        with("pages", serde_json::json!([{ "object": "page-0007.json", "segments": {} }])),
    ];
    for head in heads {
        let store = TestStore::new();
        let key = keys::head(id, 1);
        store.put(&key, head.clone().into(), Condition::Absent).await.unwrap();
        let origin = Origin::start(&store).await;
        assert_eq!(origin.status(&path("v360.m3u8")).await, 503, "{head}");
    }
}
