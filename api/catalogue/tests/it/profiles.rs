//! Choosing how a video is encoded.

use base64::{Engine, engine::general_purpose::STANDARD};
use kinora_queue::EventData;
use serde_json::Value;

use crate::support::{House, pattern};

const VIDEOS: &str = "/api/v1/videos";

fn profile_of(events: &[EventData]) -> Option<&str> {
    let [EventData::Uploaded { profile, .. }] = events else { panic!("{events:?}") };
    profile.as_deref()
}

#[tokio::test]
async fn there_is_a_list_to_choose_from() {
    let house = House::new().await;
    assert_eq!(house.raw("GET", "/api/v1/profiles", &[], b"").await.status, 401);
    let listed = house.ada("GET", "/api/v1/profiles", "").await.json();
    let items = listed["items"].as_array().unwrap();
    let told: Vec<_> = items.iter().map(|it| (&it["name"], &it["default"])).collect();
    let expected = [("default", true), ("fast", false), ("quality", false)];
    assert_eq!(told.len(), 3);
    for ((name, default), (expected_name, expected_default)) in told.into_iter().zip(expected) {
        assert_eq!((name, default), (&expected_name.into(), &expected_default.into()));
    }
    assert!(items[1]["toml"].as_str().unwrap().contains("[[video.steps]]"));
}

#[tokio::test]
async fn a_chosen_profile_is_kept_and_handed_on() {
    let house = House::new().await;
    let made = house.ada("POST", VIDEOS, r#"{"title": "Film", "profile": "fast"}"#).await.json();
    assert_eq!(made["profile"], "fast");
    let id = made["id"].as_str().unwrap();
    house.finish_upload(id).await;
    assert_eq!(profile_of(&house.events(id.parse().unwrap()).await), Some("fast"));
    // Where nobody asks, what was in force is kept by name.
    let made = house.ada("POST", VIDEOS, r#"{"title": "Film"}"#).await.json();
    assert_eq!(made["profile"], "default");
}

#[tokio::test]
async fn an_upload_may_choose_as_well() {
    let house = House::new().await;
    let metadata = |profile: &str| format!("profile {}", STANDARD.encode(profile));
    let create = async |more: &[(&str, &str)]| {
        let headers = [&[("upload-length", "9")], more].concat();
        house.tus("POST", "/api/v1/uploads", &headers, b"").await
    };
    let answer = create(&[("upload-metadata", &metadata("quality"))]).await;
    let id = answer.header("kinora-video").parse().unwrap();
    house.patch(answer.header("location"), 0, &pattern(9)).await;
    assert_eq!(house.video(id).await["profile"], "quality");
    assert_eq!(profile_of(&house.events(id).await), Some("quality"));

    let made = house.ada("POST", VIDEOS, r#"{"profile": "fast"}"#).await.json();
    let video = format!("video {}", STANDARD.encode(made["id"].as_str().unwrap()));
    create(&[("upload-metadata", &format!("{video},{}", metadata("quality")))]).await;
    let id = made["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(house.video(id).await["profile"], "quality", "the later choice counts");

    let refused = create(&[("upload-metadata", &metadata("best"))]).await;
    assert_eq!((refused.status, refused.code()), (422, "unknown_profile".into()));
}

#[tokio::test]
async fn a_name_nobody_knows_is_answered_with_those_there_are() {
    let house = House::new().await;
    let refused = house.ada("POST", VIDEOS, r#"{"profile": "best"}"#).await;
    assert_eq!((refused.status, refused.code()), (422, "unknown_profile".into()));
    let detail: Value = refused.json()["detail"].clone();
    assert_eq!(detail, "There is no profile 'best'; choose one of default, fast, quality");
    let listed = house.ada("GET", VIDEOS, "").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_priority_is_kept_and_handed_on() {
    let house = House::new().await;
    let priority_of = |events: &[EventData]| match events {
        [EventData::Uploaded { priority, .. }] => priority.as_str(),
        _ => panic!("{events:?}"),
    };
    for (body, expected) in
        [(r#"{"title": "Film"}"#, "interactive"), (r#"{"priority": "bulk"}"#, "bulk")]
    {
        let made = house.ada("POST", VIDEOS, body).await.json();
        assert_eq!(made["priority"], expected);
        let id = made["id"].as_str().unwrap();
        house.finish_upload(id).await;
        assert_eq!(priority_of(&house.events(id.parse().unwrap()).await), expected);
    }
    let metadata = format!("priority {}", STANDARD.encode("bulk"));
    let headers = [("upload-length", "9"), ("upload-metadata", &*metadata)];
    let answer = house.tus("POST", "/api/v1/uploads", &headers, b"").await;
    let id = answer.header("kinora-video").parse().unwrap();
    assert_eq!(house.video(id).await["priority"], "bulk");
    let refused = house.ada("POST", VIDEOS, r#"{"priority": "urgent"}"#).await;
    assert_eq!(refused.status, 422);
    assert!(refused.json()["detail"].as_str().unwrap().contains("bulk"), "{:?}", refused.json());
}
