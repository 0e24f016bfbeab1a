//! Who may fetch what.

use std::time::{SystemTime, UNIX_EPOCH};

use kinora_media::{
    Access, Status,
    playback::{self, TokenKey, TokenKeys, mint_bound_token, mint_token},
};

use kinora_origin::OriginConfig;

use crate::fixture::{Origin, TestStore, VIDEO, Video, key, path, whole};

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn with(token: &str, file: &str) -> String {
    playback::path(Some(token), VIDEO.parse().unwrap(), 1, file)
}

/// Longer than clocks may differ.
const HOUR: i64 = 3600;

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
        ("token_expired", mint_token(&key(), id, now_s() - HOUR)),
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
    let expired = mint_token(&key(), VIDEO.parse().unwrap(), now_s() - HOUR);
    for file in FILES {
        for path in [path(file), with(&expired, file), with("~nonsense", file)] {
            assert_eq!(origin.status(&path).await, 200, "{path}");
        }
    }
}

/// Every file of a private video against every way in which a token can be wrong.
#[tokio::test]
async fn no_altered_token_opens_anything() {
    let store = TestStore::new();
    Video::finished(&store, Access::Signed).await;
    let origin = Origin::start(&store).await;
    let good = mint_token(&key(), VIDEO.parse().unwrap(), now_s() + HOUR);
    let [_, id, expiry, signature] = good.split('~').collect::<Vec<_>>()[..] else { panic!() };
    let flipped = |at: usize| {
        let mut bytes = signature.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let altered = [
        format!("~{id}~{expiry}~{}", flipped(0)),
        format!("~{id}~{expiry}~{}", flipped(20)),
        format!("~{id}~{expiry}~{}", &signature[..42]),
        format!("~{id}~{expiry}~{signature}A"),
        format!("~{id}~{expiry}~{signature}="),
        format!("~{id}~{expiry}~"),
        format!("~{id}~{expiry}0~{signature}"),
        format!("~{id}~+{expiry}~{signature}"),
        format!("~{id}~0{expiry}~{signature}"),
        format!("~{id}~{}~{signature}", i64::MAX),
        format!("~k2~{expiry}~{signature}"),
        format!("~~{expiry}~{signature}"),
        format!("~{id}~{signature}"),
        format!("~{id}~{expiry}~{signature}~"),
        good.to_uppercase(),
    ];
    for file in FILES {
        for token in &altered {
            assert_eq!(origin.status(&with(token, file)).await, 403, "{file} {token}");
        }
        // What it opens is told by the signature, so an address may not name another.
        let other = with(&good, file).replace("8057", "8058");
        assert!([403, 404].contains(&origin.status(&other).await), "{file} of another video");
        // Once more when it is hot.
        for _ in 0..3 {
            assert_eq!(origin.status(&with(&good, file)).await, 200, "{file}");
        }
        assert_eq!(origin.status(&with(&altered[0], file)).await, 403, "{file} is hot");
    }
    for missing in ["v360/99.m4s", "v720/0.m4s", "x.m3u8"] {
        assert_eq!(origin.status(&with(&good, missing)).await, 404, "{missing}");
        assert_eq!(origin.status(&with(&altered[0], missing)).await, 403, "{missing}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let store = TestStore::new();
    Video::finished(&store, Access::Signed).await;
    let origin = Origin::start(&store).await;
    let id = VIDEO.parse().unwrap();
    for (ago, status) in [(-HOUR, 200), (0, 200), (40, 200), (61, 403), (HOUR, 403)] {
        let token = mint_token(&key(), id, now_s() - ago);
        for _ in 0..3 {
            let answered = origin.status(&with(&token, "v360/0.m4s")).await;
            assert_eq!(answered, status, "over for {ago} s");
        }
    }
}

#[tokio::test]
async fn keys_are_rotated() {
    let store = TestStore::new();
    Video::finished(&store, Access::Signed).await;
    let id = VIDEO.parse().unwrap();
    let [old, new] = [1, 2].map(|n| TokenKey { id: format!("k{n}"), secret: vec![n; 32] });
    let [by_old, by_new] = [&old, &new].map(|key| mint_token(key, id, now_s() + HOUR));
    let in_force = TokenKeys::from(vec![old.clone()]);
    let config = OriginConfig { token_keys: in_force.clone(), ..OriginConfig::default() };
    let origin = Origin::start_as_is(&store, config).await;
    for (keys, expected) in [
        (vec![old.clone()], [200, 403]),
        (vec![new.clone(), old], [200, 200]),
        (vec![new], [403, 200]),
    ] {
        in_force.replace(keys);
        // Asked twice: what is answered from memory is opened by the keys of now as well.
        for (token, expected) in
            [&by_old, &by_new, &by_old, &by_new].into_iter().zip(expected.repeat(2))
        {
            for file in ["hls.m3u8", "v360/0.m4s"] {
                assert_eq!(origin.status(&with(token, file)).await, expected, "{file}");
            }
        }
    }
}

/// One answer to a client whose proxy says that it is `from`.
async fn status_from(origin: &Origin, from: &str, path: &str) -> u16 {
    let family = if from.contains(':') { "TCP6" } else { "TCP4" };
    let to = if from.contains(':') { "::1" } else { "127.0.0.1" };
    let word = format!("PROXY {family} {from} {to} 5000 80\r\n");
    let request = format!("{word}GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = origin.raw(&request).await;
    std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap()
}

/// The address is the client's, not that of the proxy between.
#[tokio::test]
async fn a_bound_token_opens_to_its_address_alone() {
    let store = TestStore::new();
    Video::finished(&store, Access::Signed).await;
    let proxies = "127.0.0.1".parse().unwrap();
    let config = OriginConfig { proxies, ..OriginConfig::default() };
    let behind_a_proxy = Origin::start_with(&store, config).await;
    let direct = Origin::start(&store).await;
    let id = VIDEO.parse().unwrap();
    let bound = |to: &str, expires_s| mint_bound_token(&key(), id, expires_s, to.parse().unwrap());
    let here = bound("127.0.0.1", now_s() + HOUR);
    let four = bound("203.0.113.7", now_s() + HOUR);
    let six = bound("2001:db8::7", now_s() + HOUR);
    let expired = bound("203.0.113.7", now_s() - HOUR);
    let foreign = TokenKey { id: "k1".into(), secret: vec![8; 32] };
    let foreign = mint_bound_token(&foreign, id, now_s() + HOUR, "203.0.113.7".parse().unwrap());
    let unbound = four.replace("~a~", "~");
    let matrix = [
        (&four, "203.0.113.7", 200),
        (&four, "203.0.113.8", 403),
        (&four, "127.0.0.1", 403),
        (&four, "2001:db8::7", 403),
        (&six, "2001:db8::7", 200),
        (&six, "2001:db8::ffff", 200),
        (&six, "2001:db8:0:1::7", 403),
        (&six, "203.0.113.7", 403),
        (&expired, "203.0.113.7", 403),
        (&foreign, "203.0.113.7", 403),
        (&unbound, "203.0.113.7", 403),
        (&here, "203.0.113.7", 403),
    ];
    for file in FILES {
        // Once more when it is hot, to whomever.
        for _ in 0..2 {
            for (token, from, status) in matrix {
                let answered = status_from(&behind_a_proxy, from, &with(token, file)).await;
                assert_eq!(answered, status, "{file} {token} from {from}");
            }
            assert_eq!(direct.status(&with(&here, file)).await, 200, "{file}");
            assert_eq!(direct.status(&with(&four, file)).await, 403, "{file}");
            let other = with(&here, file).replace("8057", "8058");
            assert!([403, 404].contains(&direct.status(&other).await), "{file} of another video");
        }
    }
}
