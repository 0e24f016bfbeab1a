//! A graphics processor that fails on the way: the fake one, behind the seam of real ones.

use m3u8_rs::MediaPlaylist;
use serde_json::Value;

use crate::support::{Server, ffprobe, sample, text, variants};

/// Chunks of the picture begin at 0, 2, 6 and 14 s.
const SECONDS: usize = 18;
const RATE: usize = 30;
/// A profile that encodes everything itself.
const PROFILE: &str = "description = \"tests\"\npassthrough = false\n";

/// A stretch of a rendition: its initialisation segment, and how many pictures follow it.
#[derive(Debug, PartialEq, Eq)]
struct Stretch {
    init: String,
    pictures: usize,
}

/// Encodes a clip on a server whose device fails as it is told; the ready video.
async fn encoded(faults: &str) -> (Server, Value) {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("profiles");
    std::fs::create_dir(&profiles).unwrap();
    std::fs::write(profiles.join("encoded.toml"), PROFILE).unwrap();
    let server = Server::start_with(&[
        ("KINORA_FAKE_GPU", faults),
        // One after the other: what is before the failure is published.
        ("KINORA_WORKER_SLOTS", "1"),
        ("KINORA_TRANSCODING_PROFILES", profiles.to_str().unwrap()),
        ("KINORA_TRANSCODING_DEFAULT_PROFILE", "encoded"),
    ])
    .await;
    let clip = sample(folder.path(), &["--seconds", &SECONDS.to_string(), "--size", "640x360"]);
    let video = server.upload_file(&clip).await;
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    (server, ready)
}

async fn playlists(ready: &Value) -> Vec<(String, MediaPlaylist)> {
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let mut playlists = Vec::new();
    for address in variants(&text(url).await, url) {
        let playlist = text(&address).await;
        let (_, parsed) = m3u8_rs::parse_media_playlist(playlist.as_bytes()).unwrap();
        playlists.push((address, parsed));
    }
    assert!(playlists.len() > 1, "a ladder");
    playlists
}

/// What lies between discontinuities, each played by ffprobe on its own.
async fn stretches((address, playlist): &(String, MediaPlaylist)) -> Vec<Stretch> {
    let whole = |uri: &str| reqwest::Url::parse(address).unwrap().join(uri).unwrap();
    let mut stretches: Vec<(String, Vec<u8>)> = Vec::new();
    for segment in &playlist.segments {
        if stretches.is_empty() || segment.discontinuity {
            let init = segment.map.as_ref().unwrap().uri.clone();
            let bytes = bytes(whole(&init)).await;
            stretches.push((init.rsplit('/').next().unwrap().to_owned(), bytes));
        }
        let stretch = stretches.last_mut().unwrap();
        stretch.1.extend(bytes(whole(&segment.uri)).await);
    }
    let judged = stretches.into_iter().map(|(init, bytes)| {
        let pictures = ffprobe(&bytes, "stream=nb_read_packets")[0].parse().unwrap();
        Stretch { init, pictures }
    });
    judged.collect()
}

async fn bytes(url: reqwest::Url) -> Vec<u8> {
    let answer = reqwest::get(url).await.unwrap().error_for_status().unwrap();
    answer.bytes().await.unwrap().to_vec()
}

fn warned(ready: &Value, words: &str) -> bool {
    let warnings = ready["warnings"].as_array().unwrap();
    warnings.iter().any(|warning| warning.to_string().contains(words))
}

#[tokio::test]
async fn a_device_that_fails_on_its_fourth_chunk_is_left_there_by_all_renditions() {
    let (_server, ready) = encoded("error@3").await;
    assert!(warned(&ready, "failed at 0:14; the rest was encoded on the CPU"), "{ready:#}");
    for playlist in playlists(&ready).await {
        let expected = [("init.mp4", 14 * RATE), ("init-1.mp4", (SECONDS - 14) * RATE)]
            .map(|(init, pictures)| Stretch { init: init.into(), pictures });
        assert_eq!(stretches(&playlist).await, expected, "{}", playlist.0);
    }
    let mpd = text(ready["playback"]["dash_url"].as_str().unwrap()).await;
    assert_eq!(mpd.matches("<Period ").count(), 2, "{mpd}");
}

#[tokio::test]
async fn a_device_that_crashes_on_its_first_chunk_is_never_seen() {
    let (server, ready) = encoded("crash@0").await;
    assert!(warned(&ready, "failed; the picture was encoded on the CPU"), "{ready:#}");
    for playlist in playlists(&ready).await {
        let expected = Stretch { init: "init-1.mp4".into(), pictures: SECONDS * RATE };
        assert_eq!(stretches(&playlist).await, [expected], "{}", playlist.0);
    }
    let mpd = text(ready["playback"]["dash_url"].as_str().unwrap()).await;
    assert_eq!(mpd.matches("<Period ").count(), 1);
    let jobs = server.jobs(ready["id"].as_str().unwrap()).await;
    assert!(jobs.iter().all(|job| job["state"] == "done"), "{jobs:#?}");
}

#[tokio::test]
async fn a_device_that_works_encodes_all_of_a_title() {
    let (_server, ready) = encoded("ok").await;
    assert!(!warned(&ready, "graphics"), "{ready:#}");
    for playlist in playlists(&ready).await {
        let expected = Stretch { init: "init.mp4".into(), pictures: SECONDS * RATE };
        assert_eq!(stretches(&playlist).await, [expected], "{}", playlist.0);
    }
}
