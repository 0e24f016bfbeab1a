//! kill -9, and an orderly stop, in the middle of a transcode.

use std::time::{Duration, Instant};

use crate::support::{Server, ffprobe, rendition, sample, text, variants};

#[tokio::test]
async fn a_killed_server_finishes_after_a_restart_and_repeats_little() {
    let slots = 2;
    let mut server = Server::start_with(&[("KINORA_WORKER_SLOTS", "2")]).await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "60", "--size", "640x360"]);
    let video = server.upload_file(&clip).await;
    server.wait_for(&video, &["playable", "plays_through"], Duration::from_secs(60)).await;
    wait_for_chunks(&server, &video, 3).await;
    let before = finished(&server, &video).await;
    server.crash_and_restart().await;

    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let jobs = server.jobs(&video).await;
    let repeats = |class: &str| -> u64 {
        jobs.iter().filter(|job| job["class"] == class).map(|job| attempts(job) - 1).sum()
    };
    assert!(repeats("encode_chunk") <= slots, "{jobs:#?}");
    for id in before {
        let job = jobs.iter().find(|job| job["id"].as_str() == Some(&id)).unwrap();
        assert_eq!(attempts(job), 1, "a finished chunk was encoded again: {job:#}");
    }
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let top = variants(&text(url).await, url).remove(0);
    assert_eq!(ffprobe(&rendition(&top).await, "stream=nb_read_packets"), ["1800"]);
}

#[tokio::test]
async fn a_stopped_server_hands_its_work_back_at_once() {
    let mut server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "30", "--size", "640x360"]);
    let video = server.upload_file(&clip).await;
    wait_for_chunks(&server, &video, 1).await;
    // Somebody watches the progress meanwhile.
    let events = format!("/api/v1/videos/{video}/progress/events");
    let mut watched = server.request(reqwest::Method::GET, &events).send().await.unwrap();
    assert!(watched.chunk().await.unwrap().is_some());

    let (took, ended) = server.stop();
    assert!(ended.success(), "{ended}");
    assert!(took < Duration::from_secs(5), "stopping took {took:?}");
    server.start_again().await;
    assert_eq!(server.wait_until_over(&video).await["state"], "ready");
    let strikes = server.jobs(&video).await.iter().map(|job| attempts(job) - 1).sum::<u64>();
    assert!(strikes <= 2, "more was done again than was in flight: {strikes}");
}

async fn wait_for_chunks(server: &Server, video: &str, count: usize) {
    let started = Instant::now();
    while finished(server, video).await.len() < count {
        assert!(started.elapsed() < Duration::from_secs(60), "chunks do not finish");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn finished(server: &Server, video: &str) -> Vec<String> {
    let jobs = server.jobs(video).await;
    let done = jobs.iter().filter(|j| j["class"] == "encode_chunk" && j["state"] == "done");
    done.map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

fn attempts(job: &serde_json::Value) -> u64 {
    job["attempt"].as_u64().unwrap()
}
