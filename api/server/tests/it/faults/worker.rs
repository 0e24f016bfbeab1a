//! A worker on another host falls silent, or is told to end.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use rustix::process::Signal;

use super::{AtWork, repeats};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_slept_past_its_lease_is_fenced() {
    let at_work = AtWork::start().await;
    let video = at_work.begun().await;
    // Its encoder goes on, its signs of life do not.
    at_work.first.signal(Signal::STOP);
    tokio::time::sleep(Duration::from_secs(12)).await;
    at_work.first.signal(Signal::CONT);
    let jobs = at_work.is_ready(&video).await;
    // Just what it had in hand was done by the other as well.
    assert!(repeats(&jobs) <= 1, "{jobs:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_to_end_gives_back_what_it_has_in_hand() {
    let mut at_work = AtWork::start().await;
    let video = at_work.begun().await;
    let (took, ended) = at_work.first.stop();
    assert!(ended.success(), "{ended}");
    assert!(took < Duration::from_secs(10), "stopping took {took:?}");
    let jobs = at_work.is_ready(&video).await;
    let lost = jobs.iter().filter(|job| job["error"]["code"] == "worker_lost").count();
    assert_eq!(lost, 0, "{jobs:#?}");
    assert!(repeats(&jobs) <= 1, "{jobs:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_video_that_is_deleted_under_sleeping_workers_does_not_come_back() {
    let at_work = AtWork::start().await;
    let video = at_work.begun().await;
    at_work.first.signal(Signal::STOP);
    let path = format!("/api/v1/videos/{video}");
    let deleted = at_work.services.request(Method::DELETE, &path).send().await.unwrap();
    assert!(deleted.status().is_success(), "{deleted:?}");
    tokio::time::sleep(Duration::from_secs(7)).await;
    // It wakes with a chunk in hand of a film that is gone.
    at_work.first.signal(Signal::CONT);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let gone = at_work.services.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    crate::invariant::holds(&at_work.services).await;
    // The next film finds both workers free.
    let next = at_work.services.upload_file(&at_work.film(4)).await;
    at_work.is_ready(&next).await;
}
