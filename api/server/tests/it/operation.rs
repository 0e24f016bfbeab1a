//! What operators do to a running kinorad.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::support::Server;

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
    for line in ["kinora_origin_parked_requests 0", "# EOF"] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    let buckets = r#"kinora_origin_answer_seconds_bucket{le="0.0001",class="Other"}"#;
    assert!(text.contains(buckets), "{text}");
    assert_eq!(reqwest::get(format!("{origin}/healthz")).await.unwrap().status(), 200);
    scraped(&address, &answered.replace("} 1", "} 2")).await;
}
