//! The broker dies, is away, or can no longer be reached.

use std::time::{Duration, Instant};

use kinora_testing::Trouble;

use super::{AtWork, repeats};
use crate::support::Cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_are_taken_while_the_broker_is_away_and_encoded_later() {
    let mut at_work = AtWork::start().await;
    at_work.cluster.broker.kill();
    let video = at_work.services.upload_file(&at_work.film(4)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(at_work.services.jobs(&video).await.iter().all(|job| job["state"] != "done"));
    at_work.cluster.broker.start_again();
    at_work.is_ready(&video).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_in_a_black_hole_is_missed_by_its_heartbeats() {
    let at_work = AtWork::start().await;
    let video = at_work.begun().await;
    at_work.cluster.to_broker.set(Trouble::BlackHole);
    // Both ends give the connection up; a lease runs out besides.
    let gone = || at_work.services.log().contains("connecting again");
    for _ in 0..600 {
        if gone() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(gone(), "nobody missed the broker in a minute");
    at_work.cluster.to_broker.set(Trouble::None);
    let jobs = at_work.is_ready(&video).await;
    assert!(repeats(&jobs) <= 6, "{jobs:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_reset_or_corrupt_cost_no_job() {
    let at_work = AtWork::start().await;
    let video = at_work.begun().await;
    for trouble in [Trouble::Reset, Trouble::Corrupt, Trouble::Reset] {
        at_work.cluster.to_broker.set(trouble);
        tokio::time::sleep(Duration::from_millis(500)).await;
        at_work.cluster.to_broker.set(Trouble::None);
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    at_work.is_ready(&video).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "three brokers take the machine: make soak"]
async fn one_broker_of_three_is_hardly_missed_and_two_are_waited_for() {
    let mut at_work = AtWork::on(Cluster::start_on_three_brokers().await).await;
    let video = at_work.begun().await;
    // The one that everybody is connected to.
    at_work.cluster.broker.kill();
    let killed = Instant::now();
    let done = at_work.services.jobs_done(&video).await;
    at_work.services.until_jobs_are_done(&video, done + 1).await;
    eprintln!("the first result after one was killed came in {:?}", killed.elapsed());
    assert!(killed.elapsed() < Duration::from_secs(25), "{:?}", killed.elapsed());

    at_work.cluster.further_brokers[0].kill();
    let late = at_work.services.upload_file(&at_work.film(4)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(at_work.services.jobs_done(&late).await, 0, "one of three is no majority");
    at_work.cluster.broker.start_again();
    at_work.cluster.further_brokers[0].start_again();
    at_work.is_ready(&video).await;
    at_work.is_ready(&late).await;
}
