//! What operators do to a running kinorad.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::support::{Server, sample};

/// What Prometheus would read, once it holds `line`.
async fn scraped(address: &str, line: &str) -> String {
    let began = Instant::now();
    loop {
        let answer = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
        assert_eq!(answer.status(), 200);
        let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(content_type.starts_with("application/openmetrics-text"), "{content_type}");
        let text = answer.text().await.unwrap();
        if text.lines().any(|told| told == line) {
            return text;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{line} is not in\n{text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until `done` of what the log says.
async fn logged(server: &Server, done: impl Fn(&str) -> bool) {
    let began = Instant::now();
    while !done(&server.log()) {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether one of many requests at once is refused.
async fn is_limited(server: &Server) -> bool {
    for _ in 0..40 {
        match reqwest::get(format!("{}/healthz", server.origin)).await.unwrap().status().as_u16() {
            200 => {}
            429 => return true,
            status => panic!("{status}"),
        }
    }
    false
}

#[tokio::test]
async fn what_can_change_changes_at_a_hangup() {
    let server = Server::start().await;
    let file = server.data().join("kinora.toml");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        server.hang_up();
    };
    assert!(!is_limited(&server).await);
    read("[origin]\naddress_rate = 1\n[worker]\nslots = 7\n[log]\nfilter = \"debug\"\n");
    logged(&server, |log| log.contains("changed=\"origin.address_rate, log.filter\"")).await;
    assert!(server.log().contains("settings=\"worker.slots\""), "{}", server.log());
    logged(&server, |log| log.contains("DEBUG")).await;
    assert!(is_limited(&server).await);
    read("[origin]\naddress_rate = \"none\"\n");
    logged(&server, |log| log.contains("stays as it was")).await;
    assert!(is_limited(&server).await);
    read("");
    logged(&server, |log| log.matches("read the configuration again").count() == 2).await;
    assert!(!is_limited(&server).await);
}

#[tokio::test]
async fn keys_of_playback_are_rotated_at_a_hangup() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "2", "--size", "320x180"]);
    let video = server.upload_file(&clip).await;
    let ready = server.wait_until_over(&video).await;
    let old = ready["playback"]["hls_url"].as_str().unwrap().to_owned();
    assert!(old.contains("/~k1~"), "{old}");
    let status = async |url: &str| reqwest::get(url).await.unwrap().status().as_u16();
    assert_eq!(status(&old).await, 200);
    let at = |name| server.data().join(name);
    std::fs::rename(at("playback.key"), at("playback.1.key")).unwrap();
    server.hang_up();
    logged(&server, |log| log.contains("read the configuration again")).await;
    let path = format!("/api/v1/videos/{video}");
    let new = server.get(&path).await["playback"]["hls_url"].as_str().unwrap().to_owned();
    assert!(new.contains("/~k2~"), "{new}");
    assert_eq!((status(&old).await, status(&new).await), (200, 200));
    std::fs::remove_file(at("playback.1.key")).unwrap();
    server.hang_up();
    logged(&server, |log| log.matches("read the configuration again").count() == 2).await;
    assert_eq!((status(&old).await, status(&new).await), (403, 200));
}

/// Nothing waits here.
const JOBS: &str = r#"kinora_jobs{class="encode_chunk",state="waiting"} 0"#;
const QUEUED: &str = r#"kinora_queued_work_seconds{class="encode_chunk"} 0.0"#;
const QUEUED_FOR_NVENC: &str =
    r#"kinora_queued_work_seconds{class="encode_chunk",device="nvenc"} 0.0"#;

#[tokio::test]
async fn prometheus_reads_what_the_origin_did() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let server = Server::start_with(&[("KINORA_METRICS_LISTEN", &address)]).await;
    let running = std::fs::read(server.data().join("kinorad.json")).unwrap();
    let running: serde_json::Value = serde_json::from_slice(&running).unwrap();
    let origin = running["origin"].as_str().unwrap();
    assert_eq!(reqwest::get(format!("{origin}/healthz")).await.unwrap().status(), 200);
    // Nothing depends on it here, but it must not end the process either.
    server.hang_up();
    let answered = r#"kinora_origin_answers_total{class="Other",status="200",cache="None"} 1"#;
    let text = scraped(&address, answered).await;
    for line in ["kinora_origin_parked_requests 0", JOBS, QUEUED, QUEUED_FOR_NVENC, "# EOF"] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    let buckets = r#"kinora_origin_answer_seconds_bucket{le="0.0001",class="Other"}"#;
    assert!(text.contains(buckets), "{text}");
    assert_eq!(reqwest::get(format!("{origin}/healthz")).await.unwrap().status(), 200);
    scraped(&address, &answered.replace("} 1", "} 2")).await;
}
