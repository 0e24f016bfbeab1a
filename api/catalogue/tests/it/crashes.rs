//! What a crash leaves, put there by hand, and how it is repaired.

use bytes::Bytes;
use kinora_media::VideoId;
use kinora_store::{Condition, ObjectStore, keys};

use crate::support::House;

const BYTES: &[u8] = b"0123456789";

async fn interrupted(house: &House) -> (String, VideoId) {
    let (path, video) = house.upload(BYTES.len()).await;
    assert_eq!(house.patch(&path, 0, &BYTES[..4]).await.status, 204);
    (path, video)
}

/// All bytes are durable and counted, but nothing was handed over.
async fn all_received(house: &House) -> (String, VideoId) {
    let (path, video) = interrupted(house).await;
    std::fs::write(house.spool(&path), BYTES).unwrap();
    let id = path.rsplit('/').next().unwrap();
    house.sql("UPDATE uploads SET received = size WHERE id = $1", id).await;
    (path, video)
}

async fn store(house: &House, video: VideoId, bytes: &'static [u8]) {
    let key = keys::source(video);
    house.store.put(&key, Bytes::from_static(bytes), Condition::Absent).await.unwrap();
}

async fn expect_finished(house: &House, path: &str, video: VideoId) {
    assert_eq!(house.video(video).await["state"], "queued");
    assert_eq!(house.source(video).await.unwrap(), BYTES);
    assert_eq!(house.events(video).await.len(), 1);
    assert!(!house.spool(path).exists());
}

#[tokio::test]
async fn bytes_beyond_the_offset_are_written_again() {
    let house = House::new().await;
    let (path, video) = interrupted(&house).await;
    std::fs::write(house.spool(&path), b"0123garbage that never was durable").unwrap();
    house.catalogue.recover().await.unwrap();
    assert_eq!(house.offset(&path).await, 4);
    assert_eq!(house.patch(&path, 4, &BYTES[4..]).await.status, 204);
    expect_finished(&house, &path, video).await;
}

#[tokio::test]
async fn bytes_that_the_disk_lost_are_asked_for_again() {
    let house = House::new().await;
    let (path, video) = interrupted(&house).await;
    std::fs::write(house.spool(&path), b"01").unwrap();
    let answer = house.patch(&path, 4, &BYTES[4..]).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (409, "2"));
    assert_eq!(house.patch(&path, 2, &BYTES[2..]).await.status, 204);
    expect_finished(&house, &path, video).await;
}

#[tokio::test]
async fn a_crash_before_the_hand_over_is_repaired_at_the_start() {
    let house = House::new().await;
    let (path, video) = all_received(&house).await;
    house.catalogue.recover().await.unwrap();
    expect_finished(&house, &path, video).await;
    house.catalogue.recover().await.unwrap();
    expect_finished(&house, &path, video).await;
}

#[tokio::test]
async fn a_crash_before_the_hand_over_is_repaired_when_the_client_asks() {
    let house = House::new().await;
    let (path, video) = all_received(&house).await;
    assert_eq!(house.offset(&path).await, BYTES.len());
    expect_finished(&house, &path, video).await;
}

#[tokio::test]
async fn a_crash_between_the_hand_over_and_the_event_is_repaired() {
    let house = House::new().await;
    let (path, video) = all_received(&house).await;
    store(&house, video, BYTES).await;
    std::fs::remove_file(house.spool(&path)).unwrap();
    assert_eq!(house.patch(&path, BYTES.len(), b"").await.status, 204);
    expect_finished(&house, &path, video).await;
}

#[tokio::test]
async fn a_finished_upload_that_lost_its_bytes_goes_on_where_they_end() {
    let house = House::new().await;
    let (path, video) = all_received(&house).await;
    std::fs::write(house.spool(&path), &BYTES[..3]).unwrap();
    assert_eq!(house.head(&path).await.status, 409);
    assert_eq!(house.offset(&path).await, 3);
    assert_eq!(house.patch(&path, 3, &BYTES[3..]).await.status, 204);
    expect_finished(&house, &path, video).await;
}

#[tokio::test]
async fn files_that_no_upload_needs_are_removed() {
    let house = House::new().await;
    let (path, _) = interrupted(&house).await;
    let orphan = house.spool("/01890a5d-ac96-774b-bcce-b302099a8057");
    let foreign = orphan.with_file_name("README");
    std::fs::write(&orphan, b"x").unwrap();
    std::fs::write(&foreign, b"x").unwrap();
    house.catalogue.recover().await.unwrap();
    assert!(!orphan.exists());
    assert!(foreign.exists() && house.spool(&path).exists());
}

#[tokio::test]
async fn objects_of_a_deleted_video_are_removed_in_the_end() {
    let house = House::new().await;
    let (_, video) = house.upload(3).await;
    let id = video.to_string();
    house.sql("UPDATE videos SET deleted_at_us = 1, cleanup = 1 WHERE id = $1", &id).await;
    store(&house, video, b"abc").await;
    house.catalogue.recover().await.unwrap();
    assert!(house.source(video).await.is_none());
}
