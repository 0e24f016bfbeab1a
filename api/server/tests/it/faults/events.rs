//! Services that die around the publishing of an event, and events that come twice or in another
//! order.

use std::time::Duration;

use kinora_queue::{AmqpQueue, Event, EventBus, EventData, Trust};
use kinora_testing::Trouble;

use super::{AtWork, repeats};
use crate::support::{Cluster, sample};

/// Longer than any event takes, on a busy machine as well.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_goes_out_though_its_service_died_before_or_right_after_and_counts_once() {
    let mut at_work = AtWork::start().await;
    let mut listener = Listener::start(&at_work.cluster, "listener").await;

    // Before: it is committed, and the broker is out of reach.
    at_work.cluster.to_broker.set(Trouble::Reset);
    let first = at_work.services.upload_file(&at_work.film(4)).await;
    assert_eq!(unpublished(&at_work.cluster, &first).await, 1);
    at_work.services.crash();
    at_work.cluster.to_broker.set(Trouble::None);
    at_work.services.start_after_a_crash().await;
    at_work.is_ready(&first).await;
    listener.hears(&first, "video.ready").await;

    // Right after: the broker has it, and its confirmation does not arrive.
    at_work.cluster.to_broker.set(Trouble::Mute);
    let second = at_work.services.upload_file(&at_work.film(4)).await;
    let once = listener.hears(&second, "video.uploaded").await;
    assert_eq!(unpublished(&at_work.cluster, &second).await, 1);
    at_work.services.crash();
    at_work.cluster.to_broker.set(Trouble::None);
    at_work.services.start_after_a_crash().await;
    let twice = listener.hears(&second, "video.uploaded").await;
    assert_eq!(once, twice);
    let jobs = at_work.is_ready(&second).await;
    assert_eq!(jobs.iter().filter(|job| job["class"] == "probe").count(), 1, "{jobs:#?}");
    assert_eq!(repeats(&jobs), 0, "{jobs:#?}");

    // All of it once more, the last first. What is published after that is taken in after it.
    listener.hears(&second, "video.ready").await;
    for event in listener.heard.iter().rev() {
        listener.bus.publish(event).await.unwrap();
    }
    let third = at_work.services.upload_file(&at_work.film(4)).await;
    at_work.is_ready(&third).await;
    assert_eq!(at_work.is_ready(&second).await, jobs);
    at_work.is_ready(&first).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_wait_for_a_catalogue_may_come_in_any_order() {
    let cluster = Cluster::start().await;
    let origin = cluster.origin().await;
    let mut apart = cluster.apart(&origin).await;
    let _worker = cluster.worker("alone").await;
    let folder = tempfile::tempdir().unwrap();
    let film = sample(folder.path(), &["--seconds", "12", "--size", "320x180"]);
    let video = apart.gateway.upload_file(&film).await;
    apart.gateway.until_jobs_are_done(&video, 1).await;
    apart.catalogue.crash();

    // In its place somebody takes what waits for it, and puts it back, the last first and twice.
    let mut thief = Listener::start(&cluster, kinora_catalogue::GROUP).await;
    thief.hears(&video, "video.ready").await;
    assert!(thief.heard.len() >= 2, "{:?}", thief.heard);
    for event in thief.heard.iter().rev() {
        thief.bus.publish(event).await.unwrap();
        thief.bus.publish(event).await.unwrap();
    }
    thief.bus.close().await;
    apart.catalogue.start_after_a_crash().await;
    let ready = apart.gateway.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
}

/// Somebody who takes the events of a group in.
struct Listener {
    bus: AmqpQueue,
    group: String,
    heard: Vec<Event>,
}

impl Listener {
    /// At the broker itself, where nothing is between.
    async fn start(cluster: &Cluster, group: &str) -> Self {
        let url = cluster.broker.url();
        let bus = AmqpQueue::open(&url, "kinora", Trust::default()).await.unwrap();
        bus.declare_group(group).await.unwrap();
        Self { bus, group: group.to_owned(), heard: Vec::new() }
    }

    /// Waits for the next such event about a video.
    async fn hears(&mut self, video: &str, kind: &str) -> Event {
        loop {
            let received = EventBus::receive(&self.bus, &self.group);
            let received = tokio::time::timeout(PATIENCE, received).await;
            let delivery = received.unwrap_or_else(|_| panic!("{kind} never came")).unwrap();
            EventBus::finish(&self.bus, delivery.receipt).await.unwrap();
            let event = delivery.event;
            self.heard.push(event.clone());
            if event.video.to_string() == video && kind_of(&event.data) == kind {
                return event;
            }
        }
    }
}

fn kind_of(data: &EventData) -> String {
    serde_json::to_value(data).unwrap()["type"].as_str().unwrap().to_owned()
}

/// Events about a video that are committed and that nobody noted as published.
async fn unpublished(cluster: &Cluster, video: &str) -> i64 {
    let url = format!("{}/postgres", cluster.postgres.url());
    let db = kinora_db::Database::open(&url).await.unwrap();
    let sql = "SELECT COUNT(*) FROM outbox WHERE video = $1 AND published_at_us IS NULL";
    let count = sqlx::query_scalar(sql).bind(video).fetch_one(db.read()).await.unwrap();
    db.close().await;
    count
}
