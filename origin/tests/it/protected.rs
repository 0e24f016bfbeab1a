//! Media that is encrypted when it is asked for, and its keys.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;
use kinora_media::{
    Access, Encryption, SegmentEntry, Status,
    playback::{self, mint_token},
};
use kinora_packager::crypt::{IndexKey, SegmentCipher};
use kinora_store::keys;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::fixture::{Origin, TestStore, VIDEO, Video, key, segment};

/// Longer than one slice.
const HUGE: usize = 2_500_000;

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn index_key() -> IndexKey {
    IndexKey::of_random(&Zeroizing::new(std::array::from_fn(|n| n as u8 + 1)))
}

fn token_of(video: &str) -> String {
    mint_token(&key(), video.parse().unwrap(), now_s() + 3600)
}

fn path(file: &str) -> String {
    playback::path(Some(&token_of(VIDEO)), VIDEO.parse().unwrap(), 1, file)
}

/// A finished video of whole encrypted segments, of whose sound the last is long.
async fn video(store: &Arc<TestStore>, access: Access) -> Video {
    let mut video = Video::new(store, access).await;
    video.head.encryption = Encryption::Aes128;
    video.append(3).await;
    let entry = SegmentEntry::new(HUGE as u64, 96_000);
    video.list("a-en", 3 * 96_000, vec![entry], huge().into()).await;
    let text = index_key().to_text().as_bytes().to_vec();
    video.create(keys::secret(VIDEO.parse().unwrap(), 1), text.into()).await;
    video.publish(Status::Complete).await;
    video
}

fn huge() -> Vec<u8> {
    (0..HUGE).map(|n| (n % 253) as u8).collect()
}

/// What a segment must be, of the first track or the second.
fn sealed(stream: u8, mut clear: Vec<u8>) -> Vec<u8> {
    let key = index_key();
    let mut vector = key.seed;
    vector[15] ^= stream;
    SegmentCipher::new(key.key.key, vector).encrypt(&mut clear);
    clear
}

async fn bytes(answer: reqwest::Response) -> Vec<u8> {
    answer.error_for_status().unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn segments_are_sealed_once_and_asked_for_in_every_way() {
    let store = TestStore::new();
    video(&store, Access::Signed).await;
    let origin = Origin::start(&store).await;
    let cases = [
        ("v360/0.m4s", sealed(0, segment("v360", 0))),
        ("a-en/2.m4s", sealed(1, segment("a-en", 2))),
        ("a-en/3.m4s", sealed(1, huge())),
        ("v360/init.mp4", b"init of v360".to_vec()),
        ("t-en/0.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n".to_vec()),
    ];
    for (file, expected) in cases {
        let file = path(file);
        let before = store.media_reads.load(Ordering::SeqCst);
        let answers = join_all((0..20).map(|_| async { bytes(origin.get(&file).await).await }));
        assert!(answers.await.iter().all(|it| *it == expected), "{file}");
        let reads = store.media_reads.load(Ordering::SeqCst) - before;
        // A clear file is read in slices; what is sealed is read whole, and once. The initialisation
        // segment is read to make the cipher.
        assert!(reads <= 2, "{reads} reads of {file}");

        // By now it is hot: it must say the same.
        let answer = origin.get(&file).await;
        let etag = answer.headers()["etag"].clone();
        let hot = answer.headers()["server-timing"].to_str().unwrap().to_owned();
        assert!(hot.contains("hot") || hot.contains("hit"), "{hot}");
        assert_eq!(bytes(answer).await, expected, "{file}");
        let head = origin.request("HEAD", &file).send().await.unwrap();
        assert_eq!(head.headers()["content-length"], expected.len().to_string());
        assert_eq!(head.headers()["etag"], etag);
        let unchanged = origin.request("GET", &file).header("if-none-match", &etag);
        assert_eq!(unchanged.send().await.unwrap().status(), 304);
        let last = expected.len() - 1;
        let range = origin.request("GET", &file).header("range", format!("bytes=2-{last}"));
        let part = range.header("if-range", &etag).send().await.unwrap();
        assert_eq!(part.status(), 206);
        assert_eq!(bytes(part).await, expected[2..]);
        let beyond = format!("bytes={}-", expected.len());
        let beyond = origin.request("GET", &file).header("range", beyond).send().await.unwrap();
        assert_eq!(beyond.status(), 416);
    }
}

#[tokio::test]
async fn sealed_segments_have_tags_of_their_own() {
    let (store, clear) = (TestStore::new(), TestStore::new());
    video(&store, Access::Signed).await;
    let mut plain = video(&clear, Access::Signed).await;
    plain.head.encryption = Encryption::None;
    plain.publish(Status::Complete).await;
    let mut tags = Vec::new();
    for store in [&store, &clear] {
        let origin = Origin::start(store).await;
        for file in ["v360/0.m4s", "v360.m3u8"] {
            tags.push(origin.get(&path(file)).await.headers()["etag"].clone());
        }
        let license = origin.request("POST", &path("license")).json(&json!({ "kids": ["x"] }));
        assert_eq!(license.send().await.unwrap().status(), 404);
    }
    assert!(tags[0] != tags[2] && tags[1] != tags[3], "{tags:?}");
}

#[tokio::test]
async fn a_slice_that_was_let_go_of_is_sealed_again() {
    let store = TestStore::new();
    video(&store, Access::Signed).await;
    let mut config = kinora_origin::OriginConfig::default();
    // Nothing is kept.
    config.caches.media_bytes = 0;
    let origin = Origin::start_with(&store, config).await;
    for _ in 0..2 {
        assert_eq!(bytes(origin.get(&path("a-en/3.m4s")).await).await, sealed(1, huge()));
    }
    let range = origin.request("GET", &path("a-en/3.m4s")).header("range", "bytes=1500000-1500099");
    assert_eq!(bytes(range.send().await.unwrap()).await, sealed(1, huge())[1_500_000..1_500_100]);
}

#[tokio::test]
async fn playlists_name_the_key_and_never_tell_it() {
    let store = TestStore::new();
    video(&store, Access::Signed).await;
    let origin = Origin::start(&store).await;
    let key = index_key();
    let list = origin.text(&path("v360.m3u8")).await;
    let vector = "#EXT-X-KEY:METHOD=AES-128,URI=\"keys/0102030405060708090a0b0c0d0e0f10\",\
                  IV=0x2122232425262728292a2b2c2d2e2f30\n";
    assert!(list.contains(vector), "{list}");
    let master = origin.text(&path("hls.m3u8")).await;
    assert!(master.contains("#EXT-X-SESSION-KEY:METHOD=AES-128"), "{master}");
    assert!(!master.contains("I-FRAME"), "{master}");
    let secret = key.to_text();
    let secret = secret.lines().find_map(|line| line.strip_prefix("key=")).unwrap();
    for said in [list, master] {
        assert!(!said.contains(secret) && !said.contains(&secret.to_uppercase()), "{said}");
    }
    assert_eq!(origin.status(&path("dash.mpd")).await, 404);
    assert_eq!(origin.status(&path("v360/iframes.m3u8")).await, 404);
}

#[tokio::test]
async fn keys_are_for_who_has_a_token_of_the_video() {
    for access in [Access::Signed, Access::Public] {
        let store = TestStore::new();
        let mut video = video(&store, access).await;
        let origin = Origin::start(&store).await;
        let id = index_key().key.id;
        let name = format!("keys/{id}");
        let answer = origin.get(&path(&name)).await;
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(bytes(answer).await, (17..33).collect::<Vec<u8>>());
        let head = origin.request("HEAD", &path(&name)).send().await.unwrap();
        assert_eq!(head.headers()["content-length"], "16");
        assert_eq!(origin.status(&path(&format!("keys/{}", "0".repeat(32)))).await, 404);
        assert_eq!(origin.request("POST", &path(&name)).send().await.unwrap().status(), 405);

        let kid = URL_SAFE_NO_PAD.encode(id.0);
        let ask = |to: String, body: String| {
            let request = origin.request("POST", &to).header("content-type", "application/json");
            async { request.body(body).send().await.unwrap() }
        };
        let kids = |kids: &[&str]| json!({ "kids": kids, "type": "temporary" }).to_string();
        let answer = ask(path("license"), kids(&["AAAAAAAAAAAAAAAAAAAAAA", &kid])).await;
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        let secret = URL_SAFE_NO_PAD.encode((17..33).collect::<Vec<u8>>());
        let expected = json!({
            "keys": [{ "kty": "oct", "kid": kid, "k": secret }],
            "type": "temporary",
        });
        assert_eq!(answer.json::<Value>().await.unwrap(), expected);
        let many = vec![&*kid; 300];
        for (body, status) in [
            (kids(&["AAAAAAAAAAAAAAAAAAAAAA"]), 404),
            (kids(&[]), 400),
            (kids(&many), 400),
            ("{}".into(), 400),
            (String::new(), 400),
            (format!("{{\"kids\":[\"{}\"]}}", "x".repeat(20_000)), 400),
        ] {
            assert_eq!(ask(path("license"), body.clone()).await.status(), status, "{body:.60}");
        }
        let wrong = origin.get(&path("license")).await;
        assert_eq!(
            (wrong.status().as_u16(), &wrong.headers()["allow"]),
            (405, &"POST, OPTIONS".parse().unwrap())
        );
        let preflight = origin.request("OPTIONS", &path("license")).send().await.unwrap();
        assert_eq!(preflight.headers()["access-control-allow-methods"], "POST, OPTIONS");
        assert_eq!(preflight.headers()["access-control-allow-headers"], "Content-Type");

        let others = token_of(&VIDEO.replace("8057", "8058"));
        let expired = mint_token(&key(), VIDEO.parse().unwrap(), now_s() - 3600);
        for token in [None, Some(&*others), Some(&*expired)] {
            let at = |file: &str| playback::path(token, VIDEO.parse().unwrap(), 1, file);
            assert_eq!(origin.status(&at(&name)).await, 403, "{token:?}");
            assert_eq!(ask(at("license"), kids(&[&kid])).await.status(), 403, "{token:?}");
        }
        video.publish(Status::Deleted).await;
        let fresh = Origin::start(&store).await;
        assert_eq!(fresh.status(&path(&name)).await, 410);
    }
}

#[tokio::test]
async fn a_key_that_is_gone_is_an_error_and_no_clear_media() {
    let store = TestStore::new();
    video(&store, Access::Signed).await;
    use kinora_store::ObjectStore;
    store.delete(&keys::secret(VIDEO.parse().unwrap(), 1)).await.unwrap();
    let origin = Origin::start(&store).await;
    for file in ["v360/0.m4s", "a-en/init.mp4", "v360.m3u8", "hls.m3u8"] {
        assert_eq!(origin.status(&path(file)).await, 500, "{file}");
    }
}

/// What an origin seals whose store is another origin, is what that one seals.
#[tokio::test]
async fn an_origin_before_the_store_has_the_same_keys() {
    let store = TestStore::new();
    video(&store, Access::Signed).await;
    let upstream = Origin::start(&store).await;
    let shield = crate::shield::before(&upstream).await;
    let name = format!("keys/{}", index_key().key.id);
    for file in ["v360/1.m4s", "a-en/3.m4s", "v360.m3u8", &name] {
        let [one, two] = [upstream.get(&path(file)).await, shield.get(&path(file)).await];
        assert_eq!(one.headers().get("etag"), two.headers().get("etag"), "{file}");
        assert_eq!(bytes(one).await, bytes(two).await, "{file}");
    }
    let stored = format!("/store/{}", keys::secret(VIDEO.parse().unwrap(), 1));
    assert_eq!(upstream.status(&stored).await, 403);
}
