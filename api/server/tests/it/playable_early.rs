//! Six minutes of film play seconds after the upload, while most of it is still to be encoded;
//! and a deletion in the middle of that leaves nothing behind.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};

use crate::support::{Server, shared_media, text};

/// The long clips of the shared ones.
pub(crate) const CLIPS: [&str; 2] = ["long-1080p-lowbitrate.mp4", "long-180p-av1.mp4"];

#[tokio::test]
async fn a_long_film_plays_within_ten_seconds_of_its_upload() {
    plays_early(CLIPS[0]).await;
}

#[tokio::test]
async fn a_long_small_film_in_av1_does_too() {
    plays_early(CLIPS[1]).await;
}

async fn plays_early(clip: &str) {
    let Some(media) = shared_media() else { return };
    let server = Server::start().await;
    let video = server.upload_file(&media.join(clip)).await;
    let uploaded = Instant::now();
    let playable =
        server.wait_for(&video, &["playable", "plays_through"], Duration::from_secs(60)).await;
    let waited = uploaded.elapsed();
    assert!(waited < Duration::from_secs(10), "playable after {waited:?}");
    let progress = server.get(&format!("/api/v1/videos/{video}/progress")).await;
    assert!(progress["percent"].as_f64().unwrap() < 50.0, "{progress:#}");
    eprintln!("{clip}: playable {waited:?} after the upload, {} % encoded", progress["percent"]);

    let hls = playable["playback"]["hls_url"].as_str().unwrap();
    assert!(text(hls).await.contains("EXT-X-STREAM-INF"));
    delete(&server, &video).await;
    wait_until_gone(&server, &video).await;
    let gone = reqwest::get(hls).await.unwrap().status();
    assert!(matches!(gone, StatusCode::GONE | StatusCode::NOT_FOUND), "{gone}");
    let jobs = server.request(Method::GET, &format!("/api/v1/jobs?video={video}"));
    let jobs: serde_json::Value = jobs.send().await.unwrap().json().await.unwrap();
    let items = jobs["items"].as_array().into_iter().flatten();
    assert!(items.into_iter().all(|job| job["state"] != "running"), "{jobs:#}");
}

async fn delete(server: &Server, video: &str) {
    let path = format!("/api/v1/videos/{video}");
    let deleted = server.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    let read = server.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(read.status(), StatusCode::NOT_FOUND);
}

/// Only the tombstone may stay. What jobs wrote while they were being stopped goes when it is looked
/// again: after 5 s, 10 s, 20 s and so on.
async fn wait_until_gone(server: &Server, video: &str) {
    let started = Instant::now();
    loop {
        let left = files_naming(server.data(), video);
        if left.iter().all(|path| path.ends_with("head.json")) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "left behind: {left:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn files_naming(folder: &std::path::Path, video: &str) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let found =
        paths.flat_map(|path| if path.is_dir() { files_naming(&path, video) } else { vec![path] });
    found.filter(|path| path.to_string_lossy().contains(video)).collect()
}
