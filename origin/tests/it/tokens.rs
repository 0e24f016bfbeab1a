//! Who may fetch what.

use std::time::{SystemTime, UNIX_EPOCH};

use kinora_media::{
    Access, Status,
    playback::{self, TokenKey, mint_token},
};

use crate::fixture::{Origin, TestStore, VIDEO, Video, key, path, whole};

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn with(token: &str, file: &str) -> String {
    playback::path(Some(token), VIDEO.parse().unwrap(), 1, file)
}

const FILES: [&str; 6] =
    ["hls.m3u8", "dash.mpd", "v360.m3u8", "v360/init.mp4", "v360/0.m4s", "t-en/0.vtt"];

#[tokio::test]
async fn a_private_video_opens_to_its_token_only() {
    let store = TestStore::new();
    let mut video = Video::finished(&store, Access::Signed).await;
    let origin = Origin::start(&store).await;
    let id = VIDEO.parse().unwrap();
    let good = mint_token(&key(), id, now_s() + 60);
    let other = mint_token(&key(), VIDEO.replace("8057", "8058").parse().unwrap(), now_s() + 60);
    let foreign = TokenKey { id: "k1".into(), secret: vec![8; 32] };
    let unknown = TokenKey { id: "k2".into(), ..key() };
    let refused = [
        ("token_expired", mint_token(&key(), id, now_s() - 1)),
        ("token_invalid", other),
        ("token_invalid", mint_token(&foreign, id, now_s() + 60)),
        ("token_invalid", mint_token(&unknown, id, now_s() + 60)),
        ("token_invalid", good.replace(&(now_s() + 60).to_string(), "9999999999")),
        ("token_invalid", "~".into()),
    ];
    for file in FILES {
        assert_eq!(origin.status(&with(&good, file)).await, 200, "{file}");
        assert_eq!(origin.status(&path(file)).await, 403, "{file}");
        for (code, token) in &refused {
            let answer = origin.get(&with(token, file)).await;
            assert_eq!(answer.status(), 403, "{file} {code}");
            let problem: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], *code, "{file} {token}");
        }
    }
    insta::assert_snapshot!("token_missing", whole(origin.get(&path("hls.m3u8")).await).await);
    let segment = whole(origin.get(&with(&good, "v360/0.m4s")).await).await;
    insta::assert_snapshot!("private_segment", segment);
    let playlist = origin.get(&with(&good, "v360.m3u8")).await;
    assert_eq!(playlist.headers()["cache-control"], "private, max-age=60");
    assert!(!playlist.text().await.unwrap().contains('~'), "the address hands it down");

    let again = mint_token(&key(), id, now_s() + 120);
    let etag = |response: &reqwest::Response| response.headers()["etag"].clone();
    let (one, two) =
        (origin.get(&with(&good, "hls.m3u8")).await, origin.get(&with(&again, "hls.m3u8")).await);
    assert_eq!(etag(&one), etag(&two), "one cache entry for every token");

    video.publish(Status::Deleted).await;
    let fresh = Origin::start(&store).await;
    assert_eq!(fresh.status(&with(&good, "hls.m3u8")).await, 410);
}

#[tokio::test]
async fn a_public_video_does_not_look_at_tokens() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    let expired = mint_token(&key(), VIDEO.parse().unwrap(), now_s() - 1);
    for file in FILES {
        for path in [path(file), with(&expired, file), with("~nonsense", file)] {
            assert_eq!(origin.status(&path).await, 200, "{path}");
        }
    }
}
