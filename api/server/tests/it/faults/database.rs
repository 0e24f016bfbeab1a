//! The database dies under services that are apart from their workers, or can no longer be reached.

use std::time::{Duration, Instant};

use kinora_testing::Trouble;
use reqwest::{Method, StatusCode, header::RETRY_AFTER};

use super::AtWork;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_dies_or_is_cut_off_is_missed_and_forgets_nothing() {
    let mut at_work = AtWork::start().await;
    let video = at_work.begun().await;
    at_work.cluster.postgres.kill();
    unavailable(&at_work).await;
    at_work.cluster.postgres.start_again();

    at_work.cluster.to_postgres.set(Trouble::BlackHole);
    unavailable(&at_work).await;
    at_work.cluster.to_postgres.set(Trouble::Reset);
    unavailable(&at_work).await;
    // Far away it is slow, and nothing else.
    at_work.cluster.to_postgres.set(Trouble::Delay(Duration::from_millis(10)));
    at_work.is_ready(&video).await;
}

/// Who asks is told to ask again, before clients give up by themselves.
async fn unavailable(at_work: &AtWork) {
    let asked = Instant::now();
    let answer = at_work.services.request(Method::GET, "/api/v1/videos").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
    assert!(asked.elapsed() < Duration::from_secs(45), "{:?}", asked.elapsed());
}
