//! A video in the middle of its encode: how far it is, and taking it back.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Server, ffprobe, rendition, sample, text, variants};

/// What is promised from the word to the last child's end.
const PROMPT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn deleting_a_video_ends_its_encoders_and_frees_their_slots() {
    let server = Server::start_with(&[("KINORA_WORKER_SLOTS", "1")]).await;
    let folder = tempfile::tempdir().unwrap();
    // Long work for one slot: it is not over by itself in the meantime.
    let clip = sample(folder.path(), &["--seconds", "30", "--size", "1280x720"]);
    let video = server.upload_file(&clip).await;
    let progress = encoding(&server, &video).await;
    sane(&progress);

    stand_still(&server);
    let deleted = server.request(Method::DELETE, &format!("/api/v1/videos/{video}")).send().await;
    assert_eq!(deleted.unwrap().status(), StatusCode::NO_CONTENT);
    let since = Instant::now();
    while !server.encoders().is_empty() {
        assert!(since.elapsed() < PROMPT, "{:?}", server.encoders());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("the last encoder was gone after {:?}", since.elapsed());

    // The one slot there is takes the next video, and nothing of the first comes back.
    let short = sample(folder.path(), &["--seconds", "2", "--size", "320x180"]);
    let next = server.upload_file(&short).await;
    assert_eq!(server.wait_until_over(&next).await["state"], "ready");
    let jobs = server.jobs(&video).await;
    let alive =
        |job: &&Value| ["queued", "dispatched", "running"].iter().any(|s| job["state"] == *s);
    assert_eq!(jobs.iter().find(alive), None);
    assert_eq!(server.encoders(), Vec::<String>::new());
}

#[tokio::test]
async fn a_cancelled_encode_stops_at_once_and_is_taken_up_again() {
    let server = Server::start_with(&[("KINORA_WORKER_SLOTS", "1")]).await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "20", "--size", "640x360"]);
    let video = server.upload_file(&clip).await;
    encoding(&server, &video).await;
    let post = async |what: &str| {
        let path = format!("/api/v1/videos/{video}/{what}");
        server.request(Method::POST, &path).send().await.unwrap().status()
    };
    assert_eq!(post("retry").await, StatusCode::CONFLICT);
    stand_still(&server);
    assert_eq!(post("cancel").await, StatusCode::NO_CONTENT);
    let since = Instant::now();
    while !server.encoders().is_empty() {
        assert!(since.elapsed() < PROMPT, "{:?}", server.encoders());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let failed = server.wait_until_over(&video).await;
    assert_eq!(failed["reason"]["code"], "cancelled", "{failed:#}");

    assert_eq!(post("retry").await, StatusCode::ACCEPTED);
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let top = variants(&text(url).await, url).remove(0);
    assert_eq!(ffprobe(&rendition(&top).await, "stream=nb_read_packets"), ["600"]);
}

/// From now on no encoder ends by itself: who is gone was ended.
fn stand_still(server: &Server) {
    let encoders = server.encoder_processes();
    assert!(!encoders.is_empty(), "nothing is encoded");
    for (pid, _) in encoders {
        kill_process(Pid::from_raw(pid).unwrap(), Signal::STOP).unwrap();
    }
}

/// Waits until frames come out of an encoder, with all that is said of them.
async fn encoding(server: &Server, video: &str) -> Value {
    let since = Instant::now();
    loop {
        let path = format!("/api/v1/videos/{video}/progress");
        let answer = server.request(Method::GET, &path).send().await.unwrap();
        if answer.status().is_success() {
            let progress: Value = answer.json().await.unwrap();
            if progress["eta_s"].is_number() && !server.encoders().is_empty() {
                return progress;
            }
            assert_ne!(progress["state"], "ready", "it was over too soon: {progress:#}");
        }
        assert!(since.elapsed() < Duration::from_secs(120), "nothing is encoded");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Frames, speed and what is left fit each other.
fn sane(progress: &Value) {
    let number =
        |key: &str| progress[key].as_f64().unwrap_or_else(|| panic!("{key}: {progress:#}"));
    let (done, total) = (number("frames_done"), number("frames_total"));
    assert_eq!(total, 900.0, "{progress:#}");
    assert!(0.0 < done && done < total, "{progress:#}");
    assert!((0.0..100.0).contains(&number("percent")), "{progress:#}");
    let (fps, speed, eta) = (number("fps"), number("speed"), number("eta_s"));
    assert!(fps > 0.0 && speed > 0.0 && eta > 0.0, "{progress:#}");
    // At 30 frames a second; both are rounded.
    assert!(
        (fps / 30.0 / speed - 1.0).abs() < 0.5 || (fps / 30.0 - speed).abs() < 0.1,
        "{progress:#}"
    );
    let left = (number("total_us") - number("encoded_us")) / 1e6;
    assert!((eta * speed / left - 1.0).abs() < 0.5, "{left} s are left: {progress:#}");
}
