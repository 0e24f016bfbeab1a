//! Low latency: every rule of RFC 8216bis that a server can break.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use kinora_media::playback::mint_token;
use kinora_origin::{ListenAddress, Live, Metrics, OriginConfig, listen, serve_ingest};
use reqwest::StatusCode;
use tokio::time::{sleep, timeout};

use crate::fixture::{LOOPBACK, Origin, TestStore, VIDEO, key};

/// Of a segment of a second.
const PARTS: u64 = 4;
const SOON: Duration = Duration::from_millis(300);

/// An origin with a live stream, and whoever makes it.
pub(crate) struct Stream {
    pub(crate) origin: Origin,
    ingest: String,
    client: reqwest::Client,
    pub(crate) metrics: Metrics,
}

impl Stream {
    pub(crate) async fn new() -> Self {
        Self::with_access("public").await
    }

    async fn with_access(access: &str) -> Self {
        let (live, metrics) = (Live::default(), Metrics::default());
        let config = OriginConfig {
            live: live.clone(),
            metrics: metrics.clone(),
            ..OriginConfig::default()
        };
        let origin = Origin::start_with(&TestStore::new(), config).await;
        let mut listeners = listen(&LOOPBACK.into(), NonZeroUsize::MIN).unwrap();
        let ListenAddress::Tcp(at) = listeners[0].address().unwrap() else { unreachable!() };
        let listener = listeners.pop().unwrap();
        tokio::spawn(serve_ingest(listener, live, origin.shutdown.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let ingest = format!("http://{at}/internal/live/{VIDEO}");
        let stream = Self { origin, ingest, client, metrics };
        for (track, codec, medium) in [
            (
                "v360",
                "avc1.4d401e",
                r#"{"kind":"video","width":640,"height":360,"frame_rate":{"num":30,"den":1}}"#,
            ),
            (
                "a-en",
                "mp4a.40.2",
                r#"{"kind":"audio","language":"en","name":"English","channels":2}"#,
            ),
        ] {
            let description = format!(
                r#"{{"access":"{access}","timescale":1000,"target_duration_s":1,
                "part_target":250,"independent":true,"codec":"{codec}","bandwidth":900000,
                "media":{medium}}}"#
            );
            assert_eq!(stream.put(&format!("/{track}"), description).await, 204);
            assert_eq!(stream.put(&format!("/{track}/init.mp4"), "init").await, 204);
        }
        stream
    }

    async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> StatusCode {
        let request = self.client.put(format!("{}{path}", self.ingest)).body(body);
        request.send().await.unwrap().status()
    }

    /// Puts one part of the picture.
    pub(crate) async fn part(&self, segment: u64, part: u64) {
        self.part_of("v360", segment, part).await;
    }

    async fn part_of(&self, track: &str, segment: u64, part: u64) {
        let last = if part + 1 == PARTS { "&last" } else { "" };
        let independent = if part == 0 { "&independent" } else { "" };
        let at = 1_795_759_200_000_000 + segment * 1_000_000;
        let query = format!("duration=250{independent}{last}&at={at}");
        let path = format!("/{track}/{segment}.{part}?{query}");
        assert_eq!(self.put(&path, body(segment, part)).await, 204, "{path}");
    }

    async fn segments(&self, segments: std::ops::Range<u64>) {
        for segment in segments {
            for part in 0..PARTS {
                self.part(segment, part).await;
            }
        }
    }

    async fn end(&self) {
        let end = self.client.post(format!("{}/end", self.ingest));
        assert_eq!(end.send().await.unwrap().status(), 204);
    }

    async fn get(&self, file: &str) -> reqwest::Response {
        self.origin.get(&live(file)).await
    }

    async fn status(&self, file: &str) -> u16 {
        self.get(file).await.status().as_u16()
    }

    /// The playlist, once what `query` says is there.
    async fn playlist(&self, query: &str) -> String {
        let answer = self.get(&format!("v360.m3u8?{query}")).await;
        assert_eq!(answer.status(), 200, "{query}");
        answer.text().await.unwrap()
    }
}

#[tokio::test]
async fn what_is_listed_keeps_the_rules() {
    let stream = Stream::new().await;
    stream.segments(0..8).await;
    stream.part_of("a-en", 0, 0).await;
    stream.part(8, 0).await;
    let multivariant = stream.get("hls.m3u8").await.text().await.unwrap();
    insta::assert_snapshot!(multivariant);
    let delta = stream.playlist("_HLS_skip=YES").await;
    assert!(delta.contains("#EXT-X-SKIP:"), "{delta}");
    let sound = stream.get("a-en.m3u8").await.text().await.unwrap();
    for text in [multivariant, stream.playlist("").await, delta, sound] {
        assert_eq!(kinora_packager::lint::playlist(text.as_bytes()).findings, [], "{text}");
    }
}

pub(crate) fn live(file: &str) -> String {
    format!("/live/{VIDEO}/{file}")
}

fn body(segment: u64, part: u64) -> String {
    format!("part {part} of segment {segment}. ").repeat(10)
}

#[tokio::test]
async fn a_part_without_a_segment_is_a_bad_request() {
    let stream = Stream::new().await;
    stream.segments(0..2).await;
    assert_eq!(stream.status("v360.m3u8?_HLS_part=0").await, 400);
    assert_eq!(stream.status("v360.m3u8?_HLS_msn=x").await, 400);
    assert_eq!(stream.status("v360.m3u8?_HLS_msn=1&_HLS_part=-1").await, 400);
    let answer = stream.get("v360.m3u8?_HLS_part=0").await;
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "delivery_directive");
}

#[tokio::test]
async fn more_than_two_segments_ahead_is_a_bad_request() {
    let stream = Stream::new().await;
    stream.segments(0..3).await;
    stream.part(3, 0).await;
    assert_eq!(stream.status("v360.m3u8?_HLS_msn=5").await, 400);
    assert_eq!(stream.status("v360.m3u8?_HLS_msn=18446744073709551615").await, 400);
    // Within two: it waits.
    let waits = timeout(SOON, stream.get("v360.m3u8?_HLS_msn=4"));
    assert!(waits.await.is_err());
}

#[tokio::test]
async fn parts_over_the_advance_limit_are_a_bad_request() {
    let stream = Stream::new().await;
    stream.segments(0..2).await;
    stream.part(2, 0).await;
    // Three seconds' worth of parts of 250 ms.
    assert_eq!(stream.status("v360.m3u8?_HLS_msn=2&_HLS_part=13").await, 400);
    assert!(timeout(SOON, stream.get("v360.m3u8?_HLS_msn=2&_HLS_part=12")).await.is_err());
}

#[tokio::test]
async fn what_does_not_come_within_three_target_durations_is_unavailable() {
    let stream = Stream::new().await;
    stream.segments(0..2).await;
    let began = Instant::now();
    let (playlist, part) =
        tokio::join!(stream.get("v360.m3u8?_HLS_msn=2&_HLS_part=0"), stream.get("v360/2.0.m4s"));
    for answer in [playlist, part] {
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
    }
    assert!(began.elapsed() >= Duration::from_secs(3));
}

#[tokio::test]
async fn directives_mean_nothing_after_the_end() {
    let stream = Stream::new().await;
    stream.segments(0..10).await;
    let waits = stream.get("v360.m3u8?_HLS_msn=10");
    let (waited, ()) = tokio::join!(waits, async {
        sleep(SOON).await;
        stream.end().await;
    });
    let whole = waited.text().await.unwrap();
    assert!(whole.ends_with("#EXT-X-ENDLIST\n"), "{whole}");
    for query in ["_HLS_msn=99", "_HLS_msn=10&_HLS_part=0", "_HLS_skip=YES", "_HLS_msn=3"] {
        assert_eq!(stream.playlist(query).await, whole, "{query}");
    }
    assert!(!whole.contains("PRELOAD-HINT"));
    assert_eq!(stream.status("v360/10.0.m4s").await, 404, "nothing is hinted at any more");
}

#[tokio::test]
async fn a_reload_is_held_until_what_it_asks_for_is_listed() {
    let stream = Stream::new().await;
    stream.segments(0..2).await;
    stream.part(2, 0).await;
    // What is there is not waited for.
    assert!(stream.playlist("_HLS_msn=2&_HLS_part=0").await.contains("2.0.m4s"));
    assert!(stream.playlist("_HLS_msn=1").await.contains("1.m4s"));
    let waits = stream.playlist("_HLS_msn=2&_HLS_part=1");
    let (waited, ()) = tokio::join!(waits, async {
        sleep(SOON).await;
        stream.part(2, 1).await;
    });
    assert!(waited.contains("URI=\"v360/2.1.m4s\""), "{waited}");
    assert!(waited.contains("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v360/2.2.m4s\""), "{waited}");
    // A part after the last of a segment is the first of the next (6.2.5.2).
    let waits = stream.playlist("_HLS_msn=2&_HLS_part=4");
    let (waited, ()) = tokio::join!(waits, async {
        stream.part(2, 2).await;
        stream.part(2, 3).await;
        sleep(SOON).await;
        stream.part(3, 0).await;
    });
    assert!(waited.contains("URI=\"v360/3.0.m4s\""), "{waited}");
}

#[tokio::test]
async fn a_hinted_part_sends_nothing_until_it_is_whole() {
    let stream = Stream::new().await;
    stream.segments(0..2).await;
    let mut socket = stream.origin.connect().await;
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", live("v360/2.0.m4s"));
    tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await.unwrap();
    let mut byte = [0; 1];
    let nothing = timeout(SOON, tokio::io::AsyncReadExt::read(&mut socket, &mut byte)).await;
    assert!(nothing.is_err(), "not even a status");
    stream.part(2, 0).await;
    tokio::io::AsyncReadExt::read_exact(&mut socket, &mut byte).await.unwrap();
    let answer = stream.get("v360/2.0.m4s").await;
    assert_eq!(answer.headers()["content-type"], "video/mp4");
    assert_eq!(answer.text().await.unwrap(), body(2, 0));
    // Only the next is hinted at.
    for file in ["v360/2.2.m4s", "v360/3.0.m4s", "v360/2.m4s", "v360/9.m4s", "v720/0.m4s"] {
        assert_eq!(stream.status(file).await, 404, "{file}");
    }
}

#[tokio::test]
async fn a_whole_segment_is_its_parts() {
    let stream = Stream::new().await;
    stream.segments(0..1).await;
    let whole: String = (0..PARTS).map(|part| body(0, part)).collect();
    assert_eq!(stream.get("v360/0.m4s").await.text().await.unwrap(), whole);
    let part = stream.get("v360/0.3.m4s").await;
    assert_eq!(part.text().await.unwrap(), body(0, 3));
    let ranged = stream.origin.request("GET", &live("v360/0.m4s")).header("Range", "bytes=5-9");
    assert_eq!(ranged.send().await.unwrap().text().await.unwrap(), whole[5..10]);
    assert_eq!(stream.get("v360/init.mp4").await.text().await.unwrap(), "init");
}

#[tokio::test]
async fn deltas_leave_out_what_is_known() {
    let stream = Stream::new().await;
    stream.segments(0..12).await;
    let (whole, delta) = (stream.playlist("").await, stream.playlist("_HLS_skip=YES").await);
    assert!(whole.contains("CAN-SKIP-UNTIL=6.0"), "{whole}");
    assert!(delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=6\n"), "{delta}");
    assert_eq!(whole.matches("#EXTINF").count(), delta.matches("#EXTINF").count() + 6);
    let later = stream.playlist("_HLS_msn=11&_HLS_skip=v2").await;
    assert_eq!(later, delta);
}

#[tokio::test]
async fn renditions_report_each_other() {
    let stream = Stream::new().await;
    stream.segments(0..2).await;
    for part in 0..3 {
        stream.part_of("a-en", 0, part).await;
    }
    stream.part(2, 0).await;
    let report = "#EXT-X-RENDITION-REPORT:URI=\"a-en.m3u8\",LAST-MSN=0,LAST-PART=2\n";
    let playlist = stream.playlist("").await;
    assert!(playlist.contains(report), "{playlist}");
    let main = stream.get("hls.m3u8").await.text().await.unwrap();
    assert!(main.contains("URI=\"a-en.m3u8\"") && main.ends_with("\nv360.m3u8\n"), "{main}");
}

#[tokio::test]
async fn part_targets_stay_and_players_hold_back_three() {
    let stream = Stream::new().await;
    for segment in 0..3 {
        stream.segments(segment..segment + 1).await;
        let playlist = stream.playlist("").await;
        assert!(playlist.contains("PART-TARGET=0.250000"), "{playlist}");
        assert!(playlist.contains("PART-HOLD-BACK=0.750000"), "{playlist}");
        assert!(playlist.contains("CAN-BLOCK-RELOAD=YES"), "{playlist}");
    }
    let long = "/v360/3.0?duration=251";
    assert_eq!(stream.put(long, "x").await, 409, "longer than the part target");
}

#[tokio::test]
async fn all_who_wait_get_the_same_and_are_counted() {
    const WAITERS: usize = 200;
    let stream = Stream::new().await;
    stream.segments(0..2).await;
    let waiters: Vec<_> = (0..WAITERS)
        .map(|_| {
            let request = stream.origin.request("GET", &live("v360.m3u8?_HLS_msn=2&_HLS_part=0"));
            tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() })
        })
        .collect();
    let parked = format!("kinora_origin_parked_requests {WAITERS}\n");
    while !stream.metrics.render().contains(&parked) {
        sleep(Duration::from_millis(10)).await;
    }
    stream.part(2, 0).await;
    let expected = stream.playlist("").await;
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), expected);
    }
    assert!(stream.metrics.render().contains("kinora_origin_parked_requests 0\n"));
}

#[tokio::test]
async fn old_media_is_let_go_of() {
    let stream = Stream::new().await;
    stream.segments(0..70).await;
    let playlist = stream.playlist("").await;
    assert!(playlist.contains("#EXT-X-MEDIA-SEQUENCE:40\n"), "{playlist}");
    assert_eq!(stream.status("v360/39.m4s").await, 200, "for who has an older playlist");
    assert_eq!(stream.status("v360/5.m4s").await, 404);
}

#[tokio::test]
async fn a_private_stream_opens_to_its_token_only() {
    let stream = Stream::with_access("signed").await;
    stream.segments(0..1).await;
    let token = mint_token(&key(), VIDEO.parse().unwrap(), i64::MAX);
    let other = mint_token(&key(), VIDEO.replace("8057", "8058").parse().unwrap(), i64::MAX);
    for file in ["hls.m3u8", "v360.m3u8", "v360/init.mp4", "v360/0.m4s", "v360/0.0.m4s"] {
        assert_eq!(stream.status(file).await, 403, "{file}");
        for (token, status) in [(&token, 200), (&other, 403)] {
            let path = format!("/live/{token}/{VIDEO}/{file}");
            assert_eq!(stream.origin.status(&path).await, status, "{file}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_removed_lets_go_of_all_who_wait() {
    let stream = Stream::new().await;
    stream.segments(0..2).await;
    let waits = stream.get("v360.m3u8?_HLS_msn=2");
    let (waited, removed) = tokio::join!(waits, async {
        sleep(SOON).await;
        stream.client.delete(&stream.ingest).send().await.unwrap().status()
    });
    assert_eq!((waited.status().as_u16(), removed.as_u16()), (404, 204));
    assert_eq!(stream.status("hls.m3u8").await, 404);
}

#[tokio::test]
async fn media_that_breaks_the_rules_is_not_taken() {
    let stream = Stream::new().await;
    stream.segments(0..1).await;
    for (path, status) in [
        ("/v360/1.1?duration=250", 409),
        ("/v360/0.0?duration=250", 409),
        ("/v360/1.0?duration=0", 409),
        ("/v360/1.0", 409),
        ("/v360/1.0?duration=x", 400),
        ("/v360/1.0?duration=250&color=red", 400),
        ("/v720/0.0?duration=250", 404),
        ("/v360/init.mp4", 409),
        ("/v360", 400),
    ] {
        assert_eq!(stream.put(path, "x").await, status, "{path}");
    }
    assert_eq!(stream.put("/v360/1.0?duration=250", "").await, 400);
    assert_eq!(stream.put("/v360/1.0?duration=250", vec![0; (8 << 20) + 1]).await, 400);
    stream.part(1, 0).await;
    // Nobody outside puts anything.
    let outside = stream.origin.request("PUT", &format!("/internal/live/{VIDEO}/v360/1.1"));
    assert_eq!(outside.body("x").send().await.unwrap().status(), 405);
}
