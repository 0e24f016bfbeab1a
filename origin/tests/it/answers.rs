//! Whole answers: status, headers, body.

use kinora_media::{Access, Status};

use crate::fixture::{Origin, TestStore, Video, path, segment, whole};

#[tokio::test]
async fn a_finished_public_video() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    let files = [
        ("hls", "hls.m3u8"),
        ("dash", "dash.mpd"),
        ("media_playlist", "v360.m3u8"),
        ("text_playlist", "t-en.m3u8"),
        ("init", "v360/init.mp4"),
        ("video_segment", "v360/0.m4s"),
        ("audio_segment", "a-en/5.m4s"),
        ("captions", "t-en/0.vtt"),
    ];
    for (name, file) in files {
        let got = whole(origin.get(&path(file)).await).await;
        insta::assert_snapshot!(format!("finished_{name}"), got);

        let head = whole(origin.request("HEAD", &path(file)).send().await.unwrap()).await;
        let (headers, _) = got.split_once("\n\n").unwrap();
        assert_eq!(head, format!("{headers}\n\n"), "HEAD {file}");
    }
    insta::assert_snapshot!("health", whole(origin.get("/healthz").await).await);
}

#[tokio::test]
async fn every_segment_is_its_bytes() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    for track in ["v360", "a-en"] {
        for number in 0..6 {
            let body = origin.get(&path(&format!("{track}/{number}.m4s"))).await.bytes().await;
            assert_eq!(body.unwrap(), segment(track, number), "{track}/{number}");
        }
    }
    for name in ["v360.m3u8", "dash.mpd"] {
        let manifest = origin.text(&path(name)).await;
        assert!(manifest.contains("v360") && !manifest.contains("00000-1"), "{manifest}");
    }
}

#[tokio::test]
async fn growing_and_private_videos_say_other_things_to_caches() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    video.append(2).await;
    video.publish(Status::Growing).await;
    let origin = Origin::start(&store).await;
    insta::assert_snapshot!("growing_playlist", whole(origin.get(&path("v360.m3u8")).await).await);
    let ahead = origin.get(&path("v360/2.m4s")).await;
    insta::assert_snapshot!("growing_segment_ahead", whole(ahead).await);
}

#[tokio::test]
async fn conditions_are_answered_without_a_body() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    for file in ["hls.m3u8", "v360/init.mp4", "v360/3.m4s"] {
        let first = origin.get(&path(file)).await;
        let of = |name: &str| first.headers()[name].to_str().unwrap().to_owned();
        let (etag, modified) = (of("etag"), of("last-modified"));
        let ask = async |name: &str, value: &str| {
            let request = origin.request("GET", &path(file)).header(name, value);
            request.send().await.unwrap()
        };
        let unchanged = ask("If-None-Match", &etag).await;
        if file == "v360/3.m4s" {
            insta::assert_snapshot!("not_modified", whole(unchanged).await);
        } else {
            assert_eq!(unchanged.status(), 304, "{file}");
        }
        assert_eq!(ask("If-Modified-Since", &modified).await.status(), 304, "{file}");
        assert_eq!(ask("If-None-Match", "\"other\"").await.status(), 200, "{file}");
        assert_eq!(ask("If-Match", "\"other\"").await.status(), 412, "{file}");
        let before = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(ask("If-Modified-Since", before).await.status(), 200, "{file}");
    }
}

#[tokio::test]
async fn problems() {
    let store = TestStore::new();
    let mut video = Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    let get = async |path: &str| whole(origin.get(path).await).await;
    insta::assert_snapshot!("not_found", get(&path("v360/6.m4s")).await);
    let unknown = path("hls.m3u8").replace("8057", "8058");
    assert_eq!(origin.status(&unknown).await, 404);
    assert_eq!(origin.status(&path("hls.m3u8").replace("/1/", "/2/")).await, 404);
    let missing =
        ["v361.m3u8", "v361/init.mp4", "v361/0.m4s", "v360/0.vtt", "t-en/0.m4s", "t-en/1.vtt"];
    for file in missing {
        assert_eq!(origin.status(&path(file)).await, 404, "{file}");
    }

    let post = origin.request("POST", &path("hls.m3u8")).body("x").send().await.unwrap();
    insta::assert_snapshot!("method_not_allowed", whole(post).await);
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let answer = origin.request(method, &path("hls.m3u8")).send().await.unwrap();
        assert_eq!(answer.status(), 405, "{method}");
    }
    let preflight = origin
        .request("OPTIONS", &path("v360/0.m4s"))
        .header("Origin", "https://example.org")
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "range");
    insta::assert_snapshot!("preflight", whole(preflight.send().await.unwrap()).await);

    let long = format!("{}?{}", path("hls.m3u8"), "x".repeat(9000));
    assert_eq!(origin.status(&long).await, 414);
    let query = format!("{}?CMCD=bl%3D21300", path("hls.m3u8"));
    assert_eq!(origin.status(&query).await, 200, "what players report is not part of the name");

    video.publish(Status::Deleted).await;
    let fresh = Origin::start(&store).await;
    for file in ["hls.m3u8", "v360/0.m4s", "v360/init.mp4"] {
        assert_eq!(fresh.status(&path(file)).await, 410, "{file}");
    }
    insta::assert_snapshot!("gone", whole(fresh.get(&path("hls.m3u8")).await).await);
}
