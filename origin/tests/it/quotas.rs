//! What one client may take from the others.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kinora_media::{
    Access, SegmentEntry, Status,
    playback::{self, mint_token},
};
use kinora_origin::{Limits, OriginConfig};

use crate::fixture::{Origin, TestStore, VIDEO, Video, key, path};

/// The last segment of the sound has `size` bytes.
async fn limited(access: Access, limits: Limits, size: usize) -> Origin {
    let store = TestStore::new();
    let mut video = Video::new(&store, access).await;
    video.append(2).await;
    let segment = SegmentEntry::new(size as u64, 96_000);
    video.list("a-en", 2 * 96_000, vec![segment], vec![7; size].into()).await;
    video.publish(Status::Complete).await;
    Origin::start_with(&store, OriginConfig { limits, ..OriginConfig::default() }).await
}

/// Fits no socket's buffers at first.
const BIG: usize = 8 << 20;
/// Nor those that have grown with what was sent before.
const HUGE: usize = 40 << 20;

fn by(user: i64, file: &str) -> String {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let token = mint_token(&key(), VIDEO.parse().unwrap(), now_s + 1000 + user);
    playback::path(Some(&token), VIDEO.parse().unwrap(), 1, file)
}

/// Asks until refused; how many were answered, and what was said then.
async fn exhaust(origin: &Origin, path: &str) -> (usize, reqwest::Response) {
    for asked in 0..10_000 {
        let answer = origin.get(path).await;
        if answer.status() == 429 {
            return (asked, answer);
        }
        assert_eq!(answer.status(), 200);
    }
    panic!("never refused");
}

async fn assert_refusal(answer: reqwest::Response, code: &str) {
    let again: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&again), "{again}");
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], code);
}

#[tokio::test]
async fn an_address_has_a_rate() {
    let limits = Limits { address_rate: 2, ..Limits::default() };
    let origin = limited(Access::Public, limits, BIG).await;
    // Most of them by the fast path.
    let (answered, refused) = exhaust(&origin, &path("v360/0.m4s")).await;
    assert!(answered >= 20, "{answered}");
    assert_refusal(refused, "address_rate").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(origin.status(&path("v360/0.m4s")).await, 200);
}

#[tokio::test]
async fn a_token_has_a_rate() {
    let limits = Limits { token_rate: 1, ..Limits::default() };
    let origin = limited(Access::Signed, limits, BIG).await;
    let (answered, refused) = exhaust(&origin, &by(1, "v360/0.m4s")).await;
    assert!(answered >= 10, "{answered}");
    assert_refusal(refused, "token_rate").await;
    assert_eq!(origin.status(&by(2, "v360/0.m4s")).await, 200, "another's");
}

#[tokio::test]
async fn a_token_has_so_many_streams() {
    let limits = Limits { token_streams: 2, ..Limits::default() };
    let origin = limited(Access::Signed, limits, HUGE).await;
    for round in 0..3 {
        // The first goes through hyper, the others find it hot.
        let first = origin.get(&by(1, "a-en/2.m4s")).await;
        let second = origin.get(&by(1, "a-en/2.m4s")).await;
        let third = origin.get(&by(1, "a-en/2.m4s")).await;
        assert_eq!(third.status(), 429, "{round}");
        assert_refusal(third, "token_streams").await;
        assert_eq!(origin.status(&by(2, "v360/0.m4s")).await, 200, "another's");
        for answer in [first, second] {
            assert_eq!(answer.bytes().await.unwrap().len(), HUGE);
        }
    }
}
