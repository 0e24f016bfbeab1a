//! A worker on another host falls silent, or is told to end.

use std::time::Duration;

use kinora_testing::{FaultyLink, RabbitMq, Trouble};
use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::Value;

use super::{AtWork, repeats};
use crate::support::{Cluster, Server, sample};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_costs_the_chunk_it_has_in_hand_and_no_result_that_came() {
    let cluster = Cluster::start().await;
    let origin = cluster.origin().await;
    let services = cluster.services(&origin).await;
    let link = FaultyLink::start(cluster.broker.address()).await;
    let mut mute = on_one_slot(&cluster, &RabbitMq::url_at(link.address())).await;
    let folder = tempfile::tempdir().unwrap();
    let film = sample(folder.path(), &["--seconds", "14", "--size", "1280x720", "--no-audio"]);
    let video = services.upload_file(&film).await;

    // Its result arrives, the confirmation does not: it dies before it acknowledged the job.
    let chunk = chunk_at_work(&services, &video).await;
    link.set(Trouble::Mute);
    services.until_job(&video, |job| job["id"] == *chunk && job["state"] == "done").await;
    mute.crash();
    let mut next = on_one_slot(&cluster, &cluster.broker.url()).await;
    let in_hand = chunk_at_work(&services, &video).await;
    assert_ne!(in_hand, chunk, "what is done is not begun again");
    next.crash();
    let last = on_one_slot(&cluster, &cluster.broker.url()).await;

    let ready = services.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let jobs = services.jobs(&video).await;
    assert!(repeats(&jobs) <= 1, "{jobs:#?}");
    let again = jobs.iter().filter(|job| job["attempt"] != 1);
    assert!(again.into_iter().all(|job| job["id"] == *in_hand), "{jobs:#?}");
    let begun = [next.log(), last.log()].concat();
    assert!(begun.contains(&chunk), "nobody was handed the job that was not acknowledged");
}

/// A worker that says which jobs it begins.
async fn on_one_slot(cluster: &Cluster, broker: &str) -> Server {
    let settings = [
        ("KINORA_QUEUE_URL", broker),
        ("KINORA_WORKER_SLOTS", "1"),
        ("KINORA_LOG_FILTER", "info,kinora_workers=debug"),
    ];
    cluster.process("worker", &settings).await
}

/// The id of a chunk that some worker has begun.
async fn chunk_at_work(services: &Server, video: &str) -> String {
    let at_work = |job: &Value| job["class"] == "encode_chunk" && job["state"] == "running";
    let job = services.until_job(video, at_work).await;
    job["id"].as_str().unwrap().to_owned()
}
