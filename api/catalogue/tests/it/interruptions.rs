//! Connections break, clients race, servers stop: the offset stays true.

use std::time::Duration;

use crate::support::{House, pattern};

const HALF: usize = 700_000;

#[tokio::test]
async fn what_arrived_before_the_client_vanished_is_kept() {
    let house = House::new().await;
    let bytes = pattern(2 * HALF);
    let (path, video) = house.upload(bytes.len()).await;
    let pending = house.begin_patch(&path, 0, bytes.len(), &bytes[..HALF]).await;
    drop(pending);
    wait_until_free(&house, &path).await;
    assert_eq!(house.offset(&path).await, HALF);
    assert_eq!(std::fs::read(house.spool(&path)).unwrap(), bytes[..HALF]);
    assert_eq!(house.patch(&path, HALF, &bytes[HALF..]).await.status, 204);
    assert_eq!(house.source(video).await.unwrap(), bytes);
}

#[tokio::test]
async fn what_its_checksum_cannot_confirm_is_not_kept() {
    let house = House::new().await;
    let (path, _) = house.upload(10).await;
    let checksum = ("upload-checksum", "sha1 h6zsF82dzSCnFsws9nQXtxyKcBY=");
    let pending = house.begin_patch_with(&[checksum], &path, 0, 10, b"0123").await;
    drop(pending);
    wait_until_free(&house, &path).await;
    assert_eq!(house.offset(&path).await, 0);
    assert_eq!(std::fs::read(house.spool(&path)).unwrap(), b"");
    assert_eq!(house.patch(&path, 0, b"0123456789").await.status, 204);
}

#[tokio::test]
async fn a_connection_that_falls_silent_gives_the_upload_back() {
    let house = House::with(|config| config.upload_idle = Duration::from_millis(200)).await;
    let (path, _) = house.upload(10).await;
    let pending = house.begin_patch(&path, 0, 10, b"0123").await;
    let answer = pending.answer().await;
    assert_eq!((answer.status, answer.header("upload-offset")), (408, "4"));
    assert_eq!(house.patch(&path, 4, b"456789").await.status, 204);
}

#[tokio::test]
async fn of_two_patches_at_once_the_second_is_refused() {
    let house = House::new().await;
    let (path, video) = house.upload(10).await;
    let mut first = house.begin_patch(&path, 0, 10, b"0123").await;
    let second = house.patch(&path, 0, b"x").await;
    assert_eq!((second.status, &*second.code()), (423, "upload_locked"));
    first.send(b"456789").await;
    assert_eq!(first.answer().await.status, 204);
    assert_eq!(house.source(video).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn many_racing_patches_write_every_byte_once() {
    let house = House::new().await;
    let bytes = pattern(40_000);
    let (path, video) = house.upload(bytes.len()).await;
    let client = async || {
        loop {
            let head = house.head(&path).await;
            let offset: usize = head.header("upload-offset").parse().unwrap();
            if offset == bytes.len() {
                return;
            }
            let end = (offset + 5_000).min(bytes.len());
            let answer = house.patch(&path, offset, &bytes[offset..end]).await;
            assert!([204, 409, 423].contains(&answer.status), "{answer:?}");
        }
    };
    tokio::join!(client(), client(), client());
    assert_eq!(house.source(video).await.unwrap(), bytes);
    assert_eq!(house.events(video).await.len(), 1);
}

#[tokio::test]
async fn terminating_stops_a_patch_under_way() {
    let house = House::new().await;
    let (path, video) = house.upload(10).await;
    let pending = house.begin_patch(&path, 0, 10, b"0123").await;
    assert_eq!(house.tus("DELETE", &path, &[], b"").await.status, 204);
    assert_eq!(pending.answer().await.code(), "upload_gone");
    assert!(!house.spool(&path).exists());
    assert!(house.source(video).await.is_none());
}

#[tokio::test]
async fn deleting_the_video_stops_a_patch_under_way() {
    let house = House::new().await;
    let (path, video) = house.upload(10).await;
    let pending = house.begin_patch(&path, 0, 10, b"0123").await;
    assert_eq!(house.ada("DELETE", &format!("/api/v1/videos/{video}"), "").await.status, 204);
    assert_eq!(pending.answer().await.code(), "upload_gone");
    assert!(!house.spool(&path).exists());
    assert_eq!(house.head(&path).await.status, 410);
}

#[tokio::test]
async fn a_server_that_stops_keeps_what_arrived() {
    let house = House::new().await;
    let bytes = pattern(2 * HALF);
    let (path, video) = house.upload(bytes.len()).await;
    let pending = house.begin_patch(&path, 0, bytes.len(), &bytes[..HALF]).await;
    while std::fs::metadata(house.spool(&path)).unwrap().len() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    house.shutdown.cancel();
    let answer = pending.answer().await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "2"));
    let offset = house.offset(&path).await;
    assert!(offset > 0 && offset <= HALF, "{offset}");
    assert_eq!(std::fs::read(house.spool(&path)).unwrap(), bytes[..offset]);
    assert_eq!(house.video(video).await["upload"]["offset"], offset);
}

async fn wait_until_free(house: &House, path: &str) {
    for _ in 0..500 {
        // A piece that fits nowhere tells whether somebody writes.
        if house.patch(path, usize::MAX >> 1, b"").await.status == 409 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the upload stays locked");
}
