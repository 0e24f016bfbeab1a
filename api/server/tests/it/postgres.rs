//! Tables on a Postgres server, and its death.

use std::time::{Duration, Instant};

use kinora_testing::Postgres;
use reqwest::{Method, StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use crate::support::{Server, sample};

#[tokio::test]
async fn a_database_that_is_killed_is_missed_but_forgets_nothing() {
    let mut postgres = Postgres::start();
    let url = format!("{}/postgres", postgres.url());
    let server = Server::start_with(&[("KINORA_DATABASE_URL", &url)]).await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "20", "--size", "320x180"]);
    let encoding = server.upload_file(&clip).await;
    let begun = server.create_upload("half.mp4", 6).await;
    let upload = begun.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(server.patch(&upload, 0, b"abc".to_vec()).await.status(), StatusCode::NO_CONTENT);

    postgres.kill();
    let asked = Instant::now();
    let answer = server.request(Method::GET, "/api/v1/videos").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "unavailable");
    let refused = server.create_upload("late.mp4", 3).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    postgres.start_again();

    // What was acknowledged is there; what was not is not.
    let resumed = server.patch(&upload, 3, b"def".to_vec()).await;
    assert_eq!(resumed.status(), StatusCode::NO_CONTENT);
    let ready = server.wait_until_over(&encoding).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let videos = server.get("/api/v1/videos").await;
    assert_eq!(videos["items"].as_array().unwrap().len(), 2, "{videos:#}");
}
