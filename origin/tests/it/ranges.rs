//! Byte ranges over the wire.

use kinora_media::{Access, SegmentEntry, Status};

use crate::fixture::{Origin, TestStore, Video, path, segment, whole};

#[tokio::test]
async fn one_range_of_anything() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    for file in ["v360/3.m4s", "v360/init.mp4", "t-en/0.vtt", "hls.m3u8", "dash.mpd"] {
        let body = origin.get(&path(file)).await.bytes().await.unwrap();
        let size = body.len();
        let cases = [
            ("bytes=0-0".into(), 0..1),
            ("bytes=3-6".into(), 3..7),
            ("bytes=5-".into(), 5..size),
            ("bytes=-5".into(), size - 5..size),
            ("bytes=-999999".into(), 0..size),
            (format!("bytes={}-999999", size - 1), size - 1..size),
        ];
        for (range, part) in cases {
            let answer = origin.request("GET", &path(file)).header("Range", &range).send().await;
            let answer = answer.unwrap();
            assert_eq!(answer.status(), 206, "{file} {range}");
            let expected = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            assert_eq!(answer.headers()["content-range"], *expected, "{file} {range}");
            assert_eq!(answer.content_length(), Some(part.len() as u64), "{file} {range}");
            assert_eq!(answer.bytes().await.unwrap(), body[part], "{file} {range}");
        }
        for whole in ["bytes=0-4,4-5", "bytes=4-2", "lines=1-2", "bytes=x"] {
            let answer = origin.request("GET", &path(file)).header("Range", whole).send().await;
            assert_eq!(answer.unwrap().status(), 200, "{file} {whole}");
        }
    }
}

/// The parts of a multipart/byteranges, read back with nothing but its boundary.
async fn parts(answer: reqwest::Response) -> Vec<(String, Vec<u8>)> {
    let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let length = answer.content_length().unwrap();
    let body = answer.bytes().await.unwrap();
    assert_eq!(body.len() as u64, length);
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(delimiter.trim_start().as_bytes()).unwrap();
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|w| w == what).unwrap();
    let mut parts = Vec::new();
    while rest != b"--\r\n" {
        let body = find(rest, b"\r\n\r\n") + 4;
        let end = find(rest, delimiter.as_bytes());
        let head = String::from_utf8(rest[..body].to_vec()).unwrap();
        parts.push((head, rest[body..end].to_vec()));
        rest = &rest[end + delimiter.len()..];
    }
    parts
}

#[tokio::test]
async fn several_ranges_of_anything() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    for (file, content_type) in
        [("v360/3.m4s", "video/mp4"), ("hls.m3u8", "application/vnd.apple.mpegurl")]
    {
        let body = origin.get(&path(file)).await.bytes().await.unwrap();
        let size = body.len();
        let request = origin.request("GET", &path(file));
        let answer = request.header("Range", "bytes=-3,0-1, 7-7,999999-").send().await.unwrap();
        assert_eq!(answer.status(), 206);
        assert!(!answer.headers().contains_key("content-range"));
        let asked = [size - 3..size, 0..2, 7..8];
        let found = parts(answer).await;
        assert_eq!(found.len(), asked.len(), "{found:?}");
        for ((head, bytes), part) in found.into_iter().zip(asked) {
            let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            let expected =
                format!("\r\nContent-Type: {content_type}\r\nContent-Range: {range}\r\n\r\n");
            assert_eq!((head, &bytes[..]), (expected, &body[part]));
        }
        let outside = origin.request("GET", &path(file)).header("Range", "bytes=999999-,888888-");
        assert_eq!(outside.send().await.unwrap().status(), 416, "{file}");
        let head = origin.request("HEAD", &path(file)).header("Range", "bytes=0-1,4-5");
        assert_eq!(head.send().await.unwrap().status(), 200, "ranges are for GET");
    }
}

#[tokio::test]
async fn ranges_under_conditions() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    let file = path("v360/3.m4s");
    let ask = async |method: &str, fields: &[(&str, &str)]| {
        let request = origin.request(method, &file).header("Range", "bytes=10-19");
        let request =
            fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    };
    let part = ask("GET", &[]).await;
    let of = |name: &str| part.headers()[name].to_str().unwrap().to_owned();
    let (etag, modified) = (of("etag"), of("last-modified"));
    assert_eq!(ask("GET", &[("If-Range", &etag)]).await.status(), 206);
    assert_eq!(ask("GET", &[("If-Range", &modified)]).await.status(), 206);
    assert_eq!(ask("GET", &[("If-Range", "\"other\"")]).await.status(), 200);
    assert_eq!(ask("GET", &[("If-Range", "Sun, 06 Nov 1994 08:49:37 GMT")]).await.status(), 200);
    assert_eq!(ask("GET", &[("If-None-Match", &etag)]).await.status(), 304);
    let head = ask("HEAD", &[]).await;
    assert_eq!(head.status(), 200, "ranges are for GET");
    assert_eq!(head.headers()["content-length"], "1003");
    insta::assert_snapshot!("partial", whole(part).await);
    let outside = origin.request("GET", &file).header("Range", "bytes=1003-").send().await.unwrap();
    insta::assert_snapshot!("unsatisfiable", whole(outside).await);
}

#[tokio::test]
async fn a_segment_of_many_slices() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 253) as u8).collect();
    let first = SegmentEntry::new(1_000_000, 180_000);
    let second = SegmentEntry::new(2_000_000, 180_000);
    video.list("v360", 0, vec![first, second], body.clone().into()).await;
    video.append(0).await;
    video.publish(Status::Growing).await;
    let origin = Origin::start(&store).await;
    let file = path("v360/1.m4s");
    assert_eq!(origin.get(&file).await.bytes().await.unwrap(), body[1_000_000..]);
    let range = origin.request("GET", &file).header("Range", "bytes=262143-1500000").send().await;
    assert_eq!(range.unwrap().bytes().await.unwrap(), body[1_262_143..=2_500_000]);
    assert_ne!(segment("v360", 0), body[..1000], "not the usual one");
    let several = origin.request("GET", &file).header("Range", "bytes=5-700000,900000-1999999");
    let found = parts(several.send().await.unwrap()).await;
    assert_eq!(found[0].1, body[1_000_005..=1_700_000]);
    assert_eq!(found[1].1, body[1_900_000..3_000_000]);
}
