//! What an account may hold is never exceeded, and given back.

use kinora_media::VideoId;
use kinora_queue::{EventBus, EventData};

use crate::support::House;

const UPLOADS: &str = "/api/v1/uploads";

async fn create(house: &House, size: &str) -> (u16, String) {
    let answer = house.tus("POST", UPLOADS, &[("upload-length", size)], b"").await;
    let code = if answer.status == 201 { String::new() } else { answer.code() };
    (answer.status, code)
}

#[tokio::test]
async fn of_fifty_uploads_that_race_for_one_quota_just_those_that_fit_are_created() {
    let house = House::with(|config| config.quota_bytes = Some(1000)).await;
    let attempts = (0..50).map(|_| create(&house, "90"));
    let answers = futures::future::join_all(attempts).await;
    let created = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(created, 11, "{answers:?}");
    let refused = (403, "quota_exceeded".to_owned());
    assert_eq!(answers.iter().filter(|answer| **answer == refused).count(), 39);
    // Ten bytes are left.
    assert_eq!(create(&house, "11").await, refused);
    assert_eq!(create(&house, "10").await.0, 201);
    // Another account has a quota of its own.
    assert_eq!(house.bob_tus("POST", UPLOADS, &[("upload-length", "1000")], b"").await.status, 201);
}

#[tokio::test]
async fn what_is_given_up_or_deleted_is_given_back() {
    let house = House::with(|config| config.quota_bytes = Some(10)).await;
    let (path, _) = house.upload(10).await;
    assert_eq!(create(&house, "1").await.0, 403);
    assert_eq!(house.tus("DELETE", &path, &[], b"").await.status, 204);
    let (path, video): (String, VideoId) = house.upload(10).await;
    assert_eq!(house.patch(&path, 0, b"0123456789").await.status, 204);
    // It is stored now, and counts as long as its video is there.
    assert_eq!(create(&house, "1").await.0, 403);
    assert_eq!(house.ada("DELETE", &format!("/api/v1/videos/{video}"), "").await.status, 204);
    assert_eq!(create(&house, "10").await.0, 201);
}

#[tokio::test]
async fn who_has_all_minutes_hears_of_it_before_uploading() {
    let house = House::with(|config| config.quota_media_ms = Some(60_000)).await;
    let (path, video) = house.upload(10).await;
    assert_eq!(house.patch(&path, 0, b"0123456789").await.status, 204);
    // How long it is nobody knows yet.
    let (second, _) = house.upload(10).await;
    assert_eq!(house.tus("DELETE", &second, &[], b"").await.status, 204);
    let planned = EventData::Planned {
        version: 1,
        duration_us: 60_000_000,
        width: 640,
        height: 360,
        warnings: vec![],
        chapters: vec![],
    };
    house.queue.publish(&house.event(video, 1, planned)).await.unwrap();
    house.until(video, |row| row["state"] == "encoding").await;
    assert_eq!(create(&house, "1").await, (403, "quota_exceeded".to_owned()));
    let failed = EventData::Failed { code: "broken".into(), reason: "It is broken".into() };
    house.queue.publish(&house.event(video, 2, failed)).await.unwrap();
    house.until(video, |row| row["state"] == "failed").await;
    assert_eq!(create(&house, "1").await.0, 201);
}

#[tokio::test]
async fn who_has_enough_on_the_way_comes_back_later() {
    let house = House::with(|config| config.max_queued_videos = Some(3)).await;
    let attempts = (0..20).map(|_| house.upload_for(10));
    let answers = futures::future::join_all(attempts).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 3, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((refused.status, refused.code().as_str()), (429, "queue_full"));
        assert_eq!(refused.header("retry-after"), "60");
        assert!(refused.body.contains("3 of your videos"), "{}", refused.body);
    }
    // One of them ends: a place is free, and places are known to come free.
    let path = answers.iter().find(|answer| answer.status == 201).unwrap().header("location");
    assert_eq!(house.tus("DELETE", path, &[], b"").await.status, 204);
    assert_eq!(house.upload_for(10).await.status, 201);
    assert_eq!(house.upload_for(10).await.header("retry-after"), "600");
    // Another account has a queue of its own.
    assert_eq!(house.bob_tus("POST", UPLOADS, &[("upload-length", "10")], b"").await.status, 201);
}
