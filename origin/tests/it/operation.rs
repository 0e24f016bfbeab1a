//! What operators see.

use std::sync::atomic::Ordering;

use kinora_media::Access;
use kinora_origin::{Metrics, OriginConfig};

use crate::fixture::{Origin, TestStore, Video, path};

#[tokio::test]
async fn what_was_answered_is_counted() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let metrics = Metrics::default();
    let config = OriginConfig { metrics: metrics.clone(), ..OriginConfig::default() };
    let origin = Origin::start_with(&store, config).await;
    let size = origin.get(&path("v360/0.m4s")).await.bytes().await.unwrap().len();
    for _ in 0..3 {
        assert_eq!(origin.status(&path("v360/0.m4s")).await, 200);
    }
    assert_eq!(origin.status(&path("v360/99.m4s")).await, 404);
    let head = origin.request("HEAD", &path("v360/0.m4s")).send().await.unwrap();
    assert_eq!(head.status(), 200);
    let text = metrics.render();
    let body = r#"kinora_origin_body_bytes_total{class="Segment"} "#;
    let bytes = text.lines().find_map(|line| line.strip_prefix(body)).unwrap();
    assert!(bytes.parse::<usize>().unwrap() >= 4 * size, "{bytes}");
    for line in [
        r#"kinora_origin_answers_total{class="Segment",status="200",cache="Miss"} 1"#,
        r#"kinora_origin_answers_total{class="Segment",status="200",cache="Hit"} 1"#,
        r#"kinora_origin_answers_total{class="Segment",status="200",cache="Hot"} 3"#,
        r#"kinora_origin_answers_total{class="Segment",status="404",cache="None"} 1"#,
        r#"kinora_origin_fetches_total{outcome="Found"} 1"#,
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("kinora_origin_connections 0\n"), "the client keeps its own");
}

#[tokio::test]
async fn ready_is_who_reaches_the_store() {
    let store = TestStore::new();
    let origin = Origin::start(&store).await;
    assert_eq!(origin.status("/readyz").await, 200);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    store.away.store(true, Ordering::SeqCst);
    assert_eq!(origin.status("/readyz").await, 503);
    assert_eq!(origin.status("/healthz").await, 200, "nothing is gained by a restart");
    store.away.store(false, Ordering::SeqCst);
    assert_eq!(origin.status("/readyz").await, 200);
}
