//! Caption files become WebVTT tracks of the presentation.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, sample, text};

const SRT: &str = "1\n00:00:00,500 --> 00:00:02,000\nHello\n\n\
                   2\n00:00:02,500 --> 00:00:03,000\n<i>again</i>\n";

#[tokio::test]
async fn an_srt_file_plays_as_webvtt() {
    let server = Server::start().await;
    let created: Value = server
        .request(Method::POST, "/api/v1/videos")
        .json(&json!({ "title": "Captioned", "visibility": "public" }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let video = created["id"].as_str().unwrap();

    let captions = format!("/api/v1/videos/{video}/captions/en?name=English");
    let put = |body: &'static str, media_type: &'static str| {
        server.request(Method::PUT, &captions).header("Content-Type", media_type).body(body).send()
    };
    let broken = put("1\nnot a time\nHello\n", "application/x-subrip").await.unwrap();
    assert_eq!(broken.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let stored = put(SRT, "application/x-subrip").await.unwrap();
    assert!(stored.status().is_success(), "{}", stored.text().await.unwrap());

    let folder = tempfile::tempdir().unwrap();
    let flags = ["--seconds", "4", "--size", "320x240", "--no-audio"];
    let bytes = std::fs::read(sample(folder.path(), &flags)).unwrap();
    server.upload_into(video, bytes).await;
    let ready = server.wait_until_over(video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");

    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let master = text(url).await;
    assert!(master.contains("TYPE=SUBTITLES"), "{master}");
    assert!(master.contains("NAME=\"English\""), "{master}");
    let track = url.replace("hls.m3u8", "t-en/0.vtt");
    let vtt = text(&track).await;
    assert!(vtt.starts_with("WEBVTT"), "{vtt}");
    assert!(vtt.contains("00:00:02.500 --> 00:00:03.000"), "{vtt}");
    let mpd = text(ready["playback"]["dash_url"].as_str().unwrap()).await;
    assert!(mpd.contains("text/vtt") && mpd.contains("lang=\"en\""), "{mpd}");
}
