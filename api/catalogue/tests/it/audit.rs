//! Nothing is said of a catalogue that agrees with what it tells of; each kind of damage is named.

use bytes::Bytes;
use kinora_media::VideoId;
use kinora_queue::{EventBus, EventData};
use kinora_store::{Condition, ObjectStore, keys};

use crate::support::House;

/// Longer than events and removals may take, microseconds.
const LATER_US: i64 = 2 * 3600 * 1_000_000;

/// Severity, code and video of what is found.
async fn found(house: &House) -> Vec<(String, Option<String>)> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/admin/verify/catalogue?limit=2{after}");
        let answer = house.ada("GET", &path, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        for finding in page["findings"].as_array().unwrap() {
            let word = |key: &str| finding[key].as_str().unwrap().to_owned();
            let video = finding["video"].as_str().map(str::to_owned);
            found.push((format!("{} {}", word("severity"), word("code")), video));
        }
        let Some(next) = page["next"].as_str() else { return found };
        after = format!("&after={next}");
    }
}

async fn nothing(house: &House) {
    assert_eq!(found(house).await, []);
}

/// The one thing found, of that video.
async fn only(house: &House, what: &str, video: VideoId) {
    assert_eq!(found(house).await, [(what.to_owned(), Some(video.to_string()))]);
}

async fn uploaded(house: &House) -> VideoId {
    let (path, video) = house.upload(10).await;
    assert_eq!(house.patch(&path, 0, b"0123456789").await.status, 204);
    video
}

async fn tell(house: &House, video: VideoId, version: u64, data: EventData, state: &str) {
    house.queue.publish(&house.event(video, version, data)).await.unwrap();
    house.until(video, |row| row["state"] == state).await;
}

/// What players are shown of a video.
async fn show(house: &House, video: VideoId, status: &str) {
    let key = keys::head(video, 1);
    house.store.delete(&key).await.unwrap();
    let head = Bytes::from(format!("{{\"status\":\"{status}\"}}"));
    house.store.put(&key, head, Condition::Absent).await.unwrap();
}

/// A video that is ready and shown.
async fn ready(house: &House) -> VideoId {
    let video = uploaded(house).await;
    let (duration_us, warnings) = (60_000_000, vec![]);
    let planned = EventData::Planned {
        version: 1,
        duration_us,
        width: 640,
        height: 360,
        warnings: vec![],
        chapters: vec![],
    };
    tell(house, video, 1, planned, "encoding").await;
    let ready = EventData::Ready { version: 1, duration_us, warnings, pictures: false };
    tell(house, video, 2, ready, "ready").await;
    show(house, video, "complete").await;
    video
}

#[tokio::test]
async fn a_ready_video_must_be_shown_whole() {
    let house = House::new().await;
    let video = ready(&house).await;
    let other = ready(&house).await;
    nothing(&house).await;
    show(&house, video, "growing").await;
    only(&house, "fault presentation_unfinished", video).await;
    show(&house, video, "deleted").await;
    only(&house, "fault no_presentation", video).await;
    house.store.delete(&keys::head(video, 1)).await.unwrap();
    only(&house, "fault no_presentation", video).await;
    show(&house, video, "complete").await;
    nothing(&house).await;
    house
        .sql("UPDATE video_media SET playback_version = NULL WHERE video = $1", &other.to_string())
        .await;
    only(&house, "fault no_presentation", other).await;
}

#[tokio::test]
async fn nothing_else_is_shown() {
    let house = House::new().await;
    let queued = uploaded(&house).await;
    show(&house, queued, "growing").await;
    nothing(&house).await;
    // The store's clock is the host's, long before the house's: what it holds is old.
    show(&house, queued, "complete").await;
    only(&house, "fault not_told", queued).await;

    let failed = EventData::Failed { code: "broken".into(), reason: "It is broken".into() };
    tell(&house, queued, 1, failed, "failed").await;
    only(&house, "pending presentation_stands", queued).await;
    house.hand.advance_us(LATER_US);
    only(&house, "fault presentation_stands", queued).await;
    show(&house, queued, "deleted").await;
    nothing(&house).await;

    let deleted = ready(&house).await;
    assert_eq!(house.ada("DELETE", &format!("/api/v1/videos/{deleted}"), "").await.status, 204);
    only(&house, "pending presentation_without_video", deleted).await;
    house.hand.advance_us(LATER_US);
    only(&house, "fault presentation_without_video", deleted).await;
    show(&house, deleted, "deleted").await;
    let unknown = VideoId("01900000-0000-7000-8000-000000000000".parse().unwrap());
    show(&house, unknown, "complete").await;
    only(&house, "fault presentation_without_video", unknown).await;
}

#[tokio::test]
async fn uploads_and_the_spool_must_agree() {
    let house = House::new().await;
    let (path, video) = house.upload(10).await;
    assert_eq!(house.patch(&path, 0, b"01234").await.status, 204);
    only(&house, "pending unfinished_upload", video).await;
    let spool = house.spool(&path);
    let bytes = std::fs::read(&spool).unwrap();
    std::fs::write(&spool, &bytes[..4]).unwrap();
    only(&house, "fault spool_lost", video).await;
    std::fs::remove_file(&spool).unwrap();
    only(&house, "fault spool_lost", video).await;
    std::fs::write(&spool, &bytes).unwrap();

    let id = video.to_string();
    house.sql("UPDATE videos SET state = 'queued' WHERE id = $1", &id).await;
    only(&house, "fault upload_open", video).await;
    house.sql("UPDATE videos SET state = 'uploading' WHERE id = $1", &id).await;
    house.sql("UPDATE uploads SET state = 'expired' WHERE video = $1", &id).await;
    let lost = ("fault upload_lost".to_owned(), Some(id));
    assert_eq!(found(&house).await, [("fault orphan_spool".to_owned(), None), lost.clone()]);
    std::fs::remove_file(&spool).unwrap();
    assert_eq!(found(&house).await, [lost]);
}

#[tokio::test]
async fn what_quotas_count_is_what_there_is() {
    let house = House::new().await;
    let video = uploaded(&house).await;
    let id = video.to_string();
    nothing(&house).await;
    house.sql("UPDATE uploads SET size = size + 1 WHERE video = $1", &id).await;
    only(&house, "fault quota_differs", video).await;
    house.sql("UPDATE uploads SET size = 10, state = 'terminated' WHERE video = $1", &id).await;
    only(&house, "fault quota_missing", video).await;
    house.sql("UPDATE uploads SET state = 'finished' WHERE video = $1", &id).await;
    nothing(&house).await;
    house.sql("UPDATE videos SET deleted_at_us = 1 WHERE id = $1", &id).await;
    only(&house, "fault quota_held", video).await;
    house.sql("DELETE FROM videos WHERE id = $1", &id).await;
    only(&house, "fault quota_held", video).await;
}
