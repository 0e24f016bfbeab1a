//! Manifests in the forms clients take.

use std::io::Read as _;

use kinora_media::Access;

use crate::fixture::{Origin, TestStore, Video, path};

const MANIFESTS: [&str; 3] = ["hls.m3u8", "v360.m3u8", "dash.mpd"];

fn decode(token: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match token {
        None => plain = body.to_vec(),
        Some("gzip") => {
            flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap();
        }
        Some("br") => {
            brotli::Decompressor::new(body, 4096).read_to_end(&mut plain).unwrap();
        }
        Some("zstd") => plain = zstd::bulk::decompress(body, 1 << 20).unwrap(),
        Some(other) => panic!("{other} was not asked for"),
    }
    plain
}

#[tokio::test]
async fn manifests_come_in_the_form_a_client_takes() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    for file in MANIFESTS {
        let plain = origin.get(&path(file)).await.bytes().await.unwrap();
        let mut tags = Vec::new();
        let cases = [
            ("gzip", Some("gzip")),
            ("br", Some("br")),
            ("zstd", Some("zstd")),
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip;q=0.9, br;q=0.1", Some("gzip")),
            ("identity", None),
            ("gzip;q=0", None),
        ];
        for (accepted, token) in cases {
            let ask = |method| {
                origin.request(method, &path(file)).header("Accept-Encoding", accepted).send()
            };
            let answer = ask("GET").await.unwrap();
            let of =
                |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
            assert_eq!(of("content-encoding").as_deref(), token, "{file} {accepted}");
            assert_eq!(of("vary").as_deref(), Some("Accept-Encoding"));
            let (tag, length) = (of("etag").unwrap(), answer.content_length());
            let head = ask("HEAD").await.unwrap();
            assert_eq!(head.headers()["etag"], tag);
            assert_eq!(head.headers()["content-length"], length.unwrap().to_string());
            let body = answer.bytes().await.unwrap();
            assert_eq!(decode(token, &body), plain, "{file} {accepted}");

            let conditional = origin.request("GET", &path(file)).header("If-None-Match", &tag);
            let conditional = conditional.header("Accept-Encoding", accepted);
            let unchanged = conditional.send().await.unwrap();
            assert_eq!(unchanged.status(), 304);
            assert_eq!(unchanged.headers()["vary"], "Accept-Encoding");
            let range = origin.request("GET", &path(file)).header("Accept-Encoding", accepted);
            let range = range.header("Range", "bytes=3-9").header("If-Range", &tag).send().await;
            assert_eq!(range.unwrap().bytes().await.unwrap(), body[3..10], "of that form");
            tags.push(tag);
        }
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 4, "a tag names one form");
    }
    let segment = origin.request("GET", &path("v360/0.m4s")).header("Accept-Encoding", "br, gzip");
    let segment = segment.send().await.unwrap();
    assert!(!segment.headers().contains_key("content-encoding"), "media is compressed already");
    assert!(!segment.headers().contains_key("vary"));
}
