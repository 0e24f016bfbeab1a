//! What a viewer is told.

use kinora_media::{
    VideoId,
    playback::{TokenKey, mint_token, verify_token},
};
use kinora_queue::{EventBus, EventData};

use crate::support::House;

const NOW_S: i64 = 1_800_000_000;

fn key() -> TokenKey {
    TokenKey { id: "k1".into(), secret: vec![7; 32] }
}

async fn playable(house: &House, visibility: &str) -> VideoId {
    let body = format!(r#"{{"title":"Film","visibility":"{visibility}"}}"#);
    let created = house.ada("POST", "/api/v1/videos", &body).await.json();
    let id: VideoId = created["id"].as_str().unwrap().parse().unwrap();
    house.finish_upload(&id.to_string()).await;
    let planned = EventData::Planned {
        version: 1,
        duration_us: 10_000_000,
        width: 640,
        height: 360,
        warnings: Vec::new(),
        chapters: Vec::new(),
    };
    for (n, data) in
        [planned, EventData::Playable { version: 1, pictures: false }].into_iter().enumerate()
    {
        house.queue.publish(&house.event(id, n as u64 + 1, data)).await.unwrap();
    }
    house.until(id, |row| row["state"] == "playable").await;
    id
}

#[tokio::test]
async fn anyone_may_watch_a_public_video() {
    let house = House::new().await;
    let id = playable(&house, "public").await;
    let answer = house.raw("GET", &format!("/api/v1/playback/{id}"), &[], b"").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = answer.body.replace(&id.to_string(), "[id]");
    insta::assert_json_snapshot!(serde_json::from_str::<serde_json::Value>(&text).unwrap());
}

#[tokio::test]
async fn a_private_video_is_for_its_owner_and_who_has_a_token() {
    let house = House::new().await;
    let id = playable(&house, "private").await;
    let path = format!("/api/v1/playback/{id}");
    assert_eq!(house.raw("GET", &path, &[], b"").await.status, 404);
    assert_eq!(house.bob("GET", &path, "").await.status, 404);

    let owner = house.ada("GET", &path, "").await.json();
    let watch = owner["playback"]["watch_url"].as_str().unwrap();
    let (page, token) = watch.split_once("?token=").unwrap();
    assert_eq!(page, format!("http://gateway.test/watch/{id}"));
    assert_eq!(verify_token(&[key()], token, id, NOW_S + 12 * 3600 - 1), Ok(()));
    assert!(verify_token(&[key()], token, id, NOW_S + 12 * 3600).is_err());

    let short = mint_token(&key(), id, NOW_S + 60);
    let viewer = house.raw("GET", &format!("{path}?token={short}"), &[], b"").await.json();
    assert_eq!(viewer["playback"]["token_expires_at"], "2027-01-15T08:01:00.000000Z");
    let hls = format!("http://origin.test/media/{short}/{id}/1/hls.m3u8");
    assert_eq!(viewer["playback"]["hls_url"], hls);

    house.hand.advance_us(60_000_000);
    let late = house.raw("GET", &format!("{path}?token={short}"), &[], b"").await;
    assert_eq!((late.status, &*late.code()), (403, "token_expired"));
    for bad in ["", "x", &mint_token(&key(), VideoId(Default::default()), NOW_S + 999)] {
        let answer = house.raw("GET", &format!("{path}?token={bad}"), &[], b"").await;
        assert_eq!(answer.status, 404, "{bad}");
    }
}

#[tokio::test]
async fn before_there_is_something_to_play_there_is_a_state() {
    let house = House::new().await;
    let (_, id) = house.upload(3).await;
    let answer = house.ada("GET", &format!("/api/v1/playback/{id}"), "").await.json();
    assert_eq!(answer["state"], "uploading");
    assert!(answer["playback"].is_null());
}
