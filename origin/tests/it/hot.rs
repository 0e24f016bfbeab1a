//! What is asked for often is answered before hyper sees the request, and says the same.

use std::{sync::Arc, time::Duration};

use kinora_media::{Access, SegmentEntry, Status, playback};
use kinora_origin::{Notices, OriginConfig, Timeouts};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::fixture::{Origin, TestStore, VIDEO, Video, key, path, read_to_end, segment};

/// Longer than what is copied, and than one slice.
const LONG: usize = 100_000;
/// For so long a token is good beyond its time.
const SKEW_S: i64 = 60;
const HUGE: usize = 2_500_000;
/// Segments of two seconds that are a day.
const DAY: u64 = 43_200;
/// A field that makes a request unusual enough to be hyper's, and changes nothing.
const HYPERS: (&str, &str) = ("Connection", "te");

/// A finished video, of whose sound the last segments are long.
async fn video(store: &Arc<TestStore>) -> Video {
    let mut video = Video::new(store, Access::Public).await;
    video.append(3).await;
    for (nth, size) in [(3, LONG), (4, HUGE)] {
        let entry = SegmentEntry::new(size as u64, 96_000);
        video.list("a-en", nth * 96_000, vec![entry], body(size).into()).await;
    }
    video.publish(Status::Complete).await;
    video
}

fn body(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n % 253) as u8).collect()
}

/// Asks until it is hot: the first reads the store, the second makes it ready.
async fn warm(origin: &Origin, file: &str, accepted: &str) {
    for _ in 0..2 {
        let request = origin.request("GET", file).header("Accept-Encoding", accepted);
        request.send().await.unwrap().bytes().await.unwrap();
    }
}

/// Fields in order of name, without those that tell one moment from another, and how it was got.
fn fields(answer: &reqwest::Response) -> (Vec<String>, String) {
    let mut fields = Vec::new();
    let mut got = String::new();
    for (name, value) in answer.headers() {
        let value = value.to_str().unwrap();
        match name.as_str() {
            "date" => assert!(value.ends_with("GMT")),
            "server-timing" => got = value.to_owned(),
            _ => fields.push(format!("{name}: {value}")),
        }
    }
    fields.sort();
    (fields, got)
}

#[tokio::test]
async fn hot_answers_say_what_others_say() {
    let store = TestStore::new();
    video(&store).await;
    let origin = Origin::start(&store).await;
    let files = [
        "hls.m3u8",
        "dash.mpd",
        "a-en.m3u8",
        "v360/init.mp4",
        "v360/0.m4s",
        "a-en/3.m4s",
        "a-en/4.m4s",
        "t-en/0.vtt",
    ];
    for file in files {
        for accepted in ["identity", "gzip, br", "zstd"] {
            let file = path(file);
            warm(&origin, &file, accepted).await;
            for method in ["GET", "HEAD"] {
                let ask = |name: &'static str, value: &'static str| {
                    let request = origin.request(method, &file).header("Accept-Encoding", accepted);
                    request.header(name, value).send()
                };
                let hot = ask("CMCD-Object", "ot=v").await.unwrap();
                // A condition that holds: it is answered anew.
                let usual = ask("If-None-Match", "\"other\"").await.unwrap();
                let ((hot_fields, got), (usual_fields, usual_got)) = (fields(&hot), fields(&usual));
                assert_eq!(got, "origin;desc=hot;dur=0", "{method} {file} {accepted}");
                assert!(usual_got.starts_with("origin;desc=hit;dur="), "{usual_got}");
                assert_eq!(hot_fields, usual_fields, "{method} {file} {accepted}");
                // hyper sends what is kept.
                let again = ask(HYPERS.0, HYPERS.1).await.unwrap();
                let (again_fields, again_got) = fields(&again);
                assert!(again_got.starts_with("origin;desc=hit;dur="), "{again_got}");
                assert_eq!(again_fields, usual_fields, "{method} {file} {accepted}");
                let (hot, usual) = (hot.bytes().await.unwrap(), usual.bytes().await.unwrap());
                assert_eq!(again.bytes().await.unwrap(), usual, "{method} {file} {accepted}");
                assert_eq!(hot, usual, "{method} {file} {accepted}");
                assert_eq!(hot.is_empty(), method == "HEAD");
            }
        }
    }
}

/// A manifest costs the same however long its film is: from the second time on it is answered before
/// hyper, whatever was asked in between.
#[tokio::test]
async fn manifests_of_a_day_are_kept_like_any_other() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    for (name, scale) in [("v360", 90_000), ("a-en", 48_000)] {
        // No two in a row are alike, so that every one is a line of its own in DASH, too.
        let entry = |nth: u64| SegmentEntry::new(1, 2 * scale - nth % 2 * scale / 30);
        video.list(name, 0, (0..DAY).map(entry).collect(), vec![7; DAY as usize].into()).await;
    }
    video.publish(Status::Complete).await;
    let origin = Origin::start(&store).await;
    let files = ["hls.m3u8", "dash.mpd", "v360.m3u8", "a-en.m3u8"].map(path);
    for file in &files {
        warm(&origin, file, "identity").await;
    }
    for round in 0..20 {
        for (file, method) in files.iter().zip(["GET", "HEAD"].repeat(2)) {
            let answer = origin.request(method, file).header("Accept-Encoding", "identity").send();
            let (_, got) = fields(&answer.await.unwrap());
            assert_eq!(got, "origin;desc=hot;dur=0", "{method} {file}, {round}");
        }
    }
}

#[tokio::test]
async fn conditions_and_ranges_are_answered_as_hyper_answers_them() {
    let store = TestStore::new();
    video(&store).await;
    let origin = Origin::start(&store).await;
    let cases = [
        ("If-None-Match", "\"other\"", 200),
        ("If-None-Match", "*", 304),
        ("If-Match", "\"other\"", 412),
        ("If-Modified-Since", "Sun, 06 Nov 2044 08:49:37 GMT", 304),
        ("Range", "bytes=5-99", 206),
        ("Range", "bytes=5-9,0-1", 206),
        ("Range", "bytes=9999999-", 416),
        ("Range", "nonsense", 200),
    ];
    for file in ["hls.m3u8", "v360/init.mp4", "a-en/3.m4s", "none.m4s"].map(path) {
        for (name, value, status) in cases {
            for method in ["GET", "HEAD"] {
                let request = || origin.request(method, &file).header(name, value);
                let ours = request().send().await.unwrap();
                let hypers = request().header(HYPERS.0, HYPERS.1).send().await.unwrap();
                let what = format!("{method} {file} {name}: {value}");
                if method == "GET" && !file.contains("none") {
                    assert_eq!(ours.status(), status, "{what}");
                }
                assert_eq!(ours.status(), hypers.status(), "{what}");
                let without_boundary = |answer: &reqwest::Response| {
                    let (mut fields, _) = fields(answer);
                    fields.retain(|field| !field.starts_with("content-type: multipart"));
                    fields
                };
                assert_eq!(without_boundary(&ours), without_boundary(&hypers), "{what}");
                let (ours, hypers) = (ours.bytes().await.unwrap(), hypers.bytes().await.unwrap());
                if value.contains(',') {
                    assert_eq!(ours.len(), hypers.len(), "{what}: each has its boundary");
                } else {
                    assert_eq!(ours, hypers, "{what}");
                }
            }
        }
    }
}

/// Reads one answer; its status, how it was got, and its body.
async fn answer(stream: &mut TcpStream) -> (u16, bool, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let status = head[9..12].parse().unwrap();
    let length = head
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    if status != 304 {
        stream.read_exact(&mut body).await.unwrap();
    }
    (status, head.contains("desc=hot"), body)
}

/// On one connection, all at once: hyper must never see what is not its own, nor answer out of
/// turn.
#[tokio::test]
async fn pipelined_requests_of_all_kinds_are_answered_in_order() {
    in_order(OriginConfig::default()).await;
}

#[tokio::test]
async fn the_same_from_memory_files() {
    let caches = kinora_origin::Caches { sendfile_bytes: 20_000, ..Default::default() };
    in_order(OriginConfig { caches, ..OriginConfig::default() }).await;
}

async fn in_order(config: OriginConfig) {
    let store = TestStore::new();
    video(&store).await;
    let origin = Origin::start_with(&store, config).await;
    for file in ["v360/0.m4s", "a-en/3.m4s", "a-en/4.m4s"] {
        warm(&origin, &path(file), "identity").await;
    }
    let request = |file: &str, fields: &str| {
        format!("GET {} HTTP/1.1\r\nHost: x\r\n{fields}\r\n", path(file))
    };
    let kinds = [
        (request("v360/0.m4s", ""), (200, true, segment("v360", 0))),
        (request("a-en/4.m4s", "Range: bytes=5-9\r\n"), (206, false, vec![5, 6, 7, 8, 9])),
        (request("a-en/3.m4s", ""), (200, true, body(LONG))),
        (request("v360/1.m4s", "If-Match: *\r\n"), (200, false, segment("v360", 1))),
        (request("a-en/4.m4s", "CMCD-Object: ot=v\r\n"), (200, true, body(HUGE))),
        (request("a-en/4.m4s", "Connection: te\r\n"), (200, false, body(HUGE))),
        (request("v360/0.m4s", "If-None-Match: *\r\n"), (304, false, Vec::new())),
        (request("a-en/4.m4s", ""), (200, true, body(HUGE))),
        (request("a-en/4.m4s", "If-Match: *\r\n"), (200, false, body(HUGE))),
        (request("v360/0.m4s", ""), (200, true, segment("v360", 0))),
    ];
    let all: String = kinds.iter().map(|(request, _)| request.as_str()).collect();
    let mut stream = origin.connect().await;
    for round in 0..20 {
        // In pieces that end anywhere.
        for piece in all.as_bytes().chunks(37 + 61 * round) {
            stream.write_all(piece).await.unwrap();
            if round < 3 {
                sleep(Duration::from_millis(1)).await;
            }
        }
        for (nth, (_, expected)) in kinds.iter().enumerate() {
            let (status, hot, body) = answer(&mut stream).await;
            assert_eq!((status, hot), (expected.0, expected.1), "{round} {nth}");
            assert!(body == expected.2, "{round} {nth}: another body");
        }
    }
    // A body, though none is read, is hyper's, and all that follows.
    let with_body = request("v360/0.m4s", "Content-Length: 4\r\n") + "GET ";
    stream.write_all((with_body + &request("v360/0.m4s", "")).as_bytes()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(answer(&mut stream).await, (200, false, segment("v360", 0)));
    }
}

#[tokio::test]
async fn a_notice_cools_at_once() {
    let store = TestStore::new();
    let notices = Notices::default();
    let config = OriginConfig { notices: notices.clone(), ..OriginConfig::default() };
    let origin = Origin::start_with(&store, config).await;
    let mut video = Video::new(&store, Access::Public).await;
    for segments in 1..=3 {
        video.append(1).await;
        video.publish(Status::Growing).await;
        notices.notify_head(video.head.video, 1);
        warm(&origin, &path("v360.m3u8"), "identity").await;
        let hot = origin.get(&path("v360.m3u8")).await;
        assert_eq!(hot.headers()["server-timing"], "origin;desc=hot;dur=0");
        assert_eq!(hot.text().await.unwrap().matches("#EXTINF").count(), segments);
    }
    warm(&origin, &path("v360/0.m4s"), "identity").await;
    video.publish(Status::Deleted).await;
    notices.notify_head(video.head.video, 1);
    assert_eq!(origin.status(&path("v360.m3u8")).await, 410);
    assert_eq!(origin.status(&path("v360/0.m4s")).await, 410);
}

#[tokio::test]
async fn a_token_that_expires_cools() {
    let store = TestStore::new();
    Video::finished(&store, Access::Signed).await;
    let origin = Origin::start(&store).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let token =
        playback::mint_token(&key(), VIDEO.parse().unwrap(), now.as_secs() as i64 + 3 - SKEW_S);
    let file = playback::path(Some(&token), VIDEO.parse().unwrap(), 1, "v360/0.m4s");
    warm(&origin, &file, "identity").await;
    let hot = origin.get(&file).await;
    assert_eq!(hot.headers()["server-timing"], "origin;desc=hot;dur=0");
    assert_eq!(origin.status(&path("v360/0.m4s")).await, 403, "another address");
    sleep(Duration::from_secs(3)).await;
    assert_eq!(origin.status(&file).await, 403);
}

/// Asks for a hot segment that fits no socket's buffers, and takes nothing of it yet.
async fn ask_for_huge(origin: &Origin) -> TcpStream {
    warm(origin, &path("a-en/4.m4s"), "identity").await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut stream = socket.connect(origin.address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path("a-en/4.m4s"));
    stream.write_all(request.repeat(3).as_bytes()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    stream
}

#[tokio::test]
async fn a_shutdown_lets_a_hot_answer_end() {
    let store = TestStore::new();
    video(&store).await;
    let origin = Origin::start(&store).await;
    let mut stream = ask_for_huge(&origin).await;
    origin.shutdown.cancel();
    sleep(Duration::from_millis(100)).await;
    let (status, hot, read) = answer(&mut stream).await;
    assert_eq!((status, hot), (200, true));
    assert!(read == body(HUGE));
    read_to_end(&mut stream).await;
    origin.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_a_hot_answer_is_cut() {
    let store = TestStore::new();
    video(&store).await;
    let write_stall = Duration::from_millis(500);
    let timeouts = Timeouts { write_stall, ..Timeouts::default() };
    let origin =
        Origin::start_with(&store, OriginConfig { timeouts, ..OriginConfig::default() }).await;
    let mut stream = ask_for_huge(&origin).await;
    sleep(write_stall * 4).await;
    let read = read_to_end(&mut stream).await;
    assert!(read.len() < 3 * HUGE, "got all of it");
}

/// What was pushed out of memory in between is read again.
#[tokio::test]
async fn an_answer_without_its_body_is_not_hot() {
    let store = TestStore::new();
    video(&store).await;
    let caches = kinora_origin::Caches { media_bytes: 64 << 10, ..Default::default() };
    let origin =
        Origin::start_with(&store, OriginConfig { caches, ..OriginConfig::default() }).await;
    for _ in 0..4 {
        let answer = origin.get(&path("a-en/3.m4s")).await;
        assert_ne!(answer.headers()["server-timing"], "origin;desc=hot;dur=0", "too long to keep");
        assert_eq!(answer.bytes().await.unwrap(), body(LONG));
    }
}
