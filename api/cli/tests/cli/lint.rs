//! `kinora lint`.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Router, response::Redirect, routing::get};

use crate::run::Home;

const MAIN: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\"\nv/a.m3u8?t=1\n\
    #EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"avc1.64001f\"\nhttps://example.org/b.m3u8\n";
const MEDIA: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:9,\n0.ts\n";

#[tokio::test]
async fn findings_have_a_place_and_a_clause() {
    let home = Home::new("http://127.0.0.1:1");
    fs::create_dir(home.path().join("v")).unwrap();
    fs::write(home.path().join("main.m3u8"), MAIN).unwrap();
    fs::write(home.path().join("v/a.m3u8"), MEDIA).unwrap();
    let run = home.run(&["lint", "main.m3u8"]).await.ended(1);
    let finding =
        "v/a.m3u8:3: error: 9 s is longer than the target duration (RFC 8216bis 4.4.3.1)\n";
    assert_eq!(run.stdout, finding);
    assert!(run.stderr.contains("2 playlists, 1 errors, 0 warnings"), "{}", run.stderr);
    let run = home.run(&["lint", "main.m3u8", "--json"]).await.ended(1).json();
    assert_eq!((run[0]["line"].as_u64(), run[0]["clause"].as_str()), (Some(3), Some("4.4.3.1")));
    home.run(&["lint", "main.m3u8", "--alone"]).await.ended(0);
    home.run(&["lint", "nowhere.m3u8"]).await.ended(2);
    home.run(&["lint", "v"]).await.ended(2);
}

/// Serves a presentation; each read of `low.m3u8` is the next of its versions, at last the last.
async fn serve(versions: Vec<String>) -> String {
    let main = "#EXTM3U\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\"\nhigh.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\"\nlow.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\"\nlost.m3u8\n";
    let high = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXT-X-ENDLIST\n";
    let reads = Arc::new(AtomicUsize::new(0));
    let low = move || {
        let read = reads.fetch_add(1, Ordering::Relaxed).min(versions.len() - 1);
        std::future::ready(versions[read].clone())
    };
    let app = Router::new()
        .route("/t/secret/main.m3u8", get(move || std::future::ready(main)))
        .route("/t/secret/high.m3u8", get(move || std::future::ready(high)))
        .route("/t/secret/low.m3u8", get(low))
        .route("/moved", get(|| std::future::ready(Redirect::to("/t/secret/main.m3u8"))))
        .route("/round", get(|| std::future::ready(Redirect::to("/round"))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

const LIVE: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0.ts\n#EXTINF:1,\n1.ts\n";

#[tokio::test]
async fn what_is_served_is_followed_and_watched() {
    let home = Home::new("http://127.0.0.1:1");
    let grown = LIVE.replace("0.ts", "zero.ts") + "#EXTINF:1,\n2.ts\n";
    let url = serve(vec![LIVE.to_owned(), grown]).await;
    let main = format!("{url}/t/secret/main.m3u8");
    let run = home.run(&["lint", &main]).await.ended(1);
    insta::assert_snapshot!(run.stdout.replace(&url, "http://host"));
    assert!(run.stderr.contains("4 playlists, 3 errors, 0 warnings"), "{}", run.stderr);
    // The same by way of another address, from which names count, and not read again.
    let moved = format!("{url}/moved");
    let run = home.run(&["lint", "--watch", "0", &moved]).await.ended(1);
    assert!(run.stdout.starts_with(&format!("{url}/t/secret/lost.m3u8:1: error: ")));
    assert!(run.stderr.contains("4 playlists, 2 errors"), "{}", run.stderr);
}

#[tokio::test]
async fn what_does_not_go_on_is_late() {
    let home = Home::new("http://127.0.0.1:1");
    let url = serve(vec![LIVE.to_owned()]).await;
    let low = format!("{url}/t/secret/low.m3u8");
    let run = home.run(&["lint", &low, "--json"]).await.ended(1).json();
    assert_eq!((run.len(), run[0]["clause"].as_str()), (1, Some("6.2.1")));
    assert!(run[0]["message"].as_str().unwrap().starts_with("no new segment for "));
    home.run(&["lint", &low, "--watch", "0"]).await.ended(0);
    let ended = format!("{LIVE}#EXT-X-ENDLIST\n");
    let url = serve(vec![LIVE.to_owned(), ended]).await;
    home.run(&["lint", &format!("{url}/t/secret/low.m3u8")]).await.ended(0);
}

#[tokio::test]
async fn what_cannot_be_loaded_is_said() {
    let home = Home::new("http://127.0.0.1:1");
    let url = serve(vec![LIVE.to_owned()]).await;
    home.run(&["lint", &format!("{url}/nowhere")]).await.ended(1);
    home.run(&["lint", &format!("{url}/round")]).await.ended(5);
    home.run(&["lint", "http://127.0.0.1:1/a.m3u8"]).await.ended(5);
    home.run(&["lint", "ftp://127.0.0.1/a.m3u8"]).await.ended(2);
}
