//! The loops of the service, on the embedded queue and in real time.

use std::{sync::Arc, time::Duration};

use kinora_db::Clock;
use kinora_media::Status;
use kinora_plan::job::JobClass;
use kinora_queue::{EventBus, EventData, JobQueue, SqliteQueue};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{film::Film, store::SimStore, worker, world::World};
use crate::service::Transcoding;

/// Takes jobs until it has done so many; sits on the next until it is dropped.
async fn work(queue: Arc<dyn JobQueue>, (store, film): (Arc<SimStore>, Film), jobs: usize) {
    for _ in 0..jobs {
        let delivery = queue.receive(&JobClass::ALL, &[]).await.unwrap();
        for report in worker::work(&delivery.message, film) {
            worker::store(&store, &delivery.message, &report);
            queue.report(&report).await.unwrap();
        }
        queue.finish(delivery.receipt).await.unwrap();
    }
    let delivery = queue.receive(&JobClass::ALL, &[]).await.unwrap();
    queue.publish_progress(&worker::progress(&delivery.message, 1, 9)).await.unwrap();
    std::future::pending().await
}

/// Runs a process of service, relay and worker until `done`, then kills what does not stop.
async fn process(world: &World, jobs: usize, done: impl AsyncFnOnce(&dyn EventBus)) {
    let queue = Arc::new(SqliteQueue::open(&world.folder().join("queue.db")).await.unwrap());
    let deps = world.deps_on(queue.clone(), queue.clone(), Clock::system());
    queue.declare_group("observer").await.unwrap();
    let service = Transcoding::new(deps);
    service.recover().await.unwrap();
    let shutdown = CancellationToken::new();
    let run = tokio::spawn(service.run(shutdown.clone()));
    let relay = kinora_db::outbox::relay(
        world.db.clone(),
        queue.clone(),
        Clock::system(),
        shutdown.clone(),
    );
    let relay = tokio::spawn(relay);
    let worker = tokio::spawn(work(queue.clone(), (world.store.clone(), world.films[0].1), jobs));
    timeout(Duration::from_secs(20), done(queue.as_ref())).await.unwrap();
    worker.abort();
    shutdown.cancel();
    timeout(Duration::from_secs(5), run).await.unwrap().unwrap().unwrap();
    relay.await.unwrap();
    queue.close().await;
}

/// Waits for an event of ours.
async fn wait_for(queue: &dyn EventBus, wanted: impl Fn(&EventData) -> bool) {
    loop {
        let delivery = queue.receive("observer").await.unwrap();
        queue.finish(delivery.receipt).await.unwrap();
        if wanted(&delivery.event.data) {
            return;
        }
    }
}

#[tokio::test]
async fn a_video_gets_ready_across_a_restart() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(60), true);
    let uploaded = world.events.pop().unwrap();
    // The first worker dies on its sixth job.
    process(&world, 5, async |queue| {
        queue.publish(&uploaded).await.unwrap();
        queue.publish(&uploaded).await.unwrap();
        wait_for(queue, |data| matches!(data, EventData::Playable { .. })).await;
    })
    .await;
    process(&world, 100, async |queue| {
        wait_for(queue, |data| matches!(data, EventData::Ready { .. })).await;
    })
    .await;
    let head = world.store.heads(video).pop().unwrap();
    assert_eq!(head.status, Status::Complete);
    assert!(!head.first_published_complete);
}

#[tokio::test]
async fn an_upload_that_ends_before_the_loops_run_is_not_lost() {
    let mut world = World::new().await;
    world.upload(Film::Talkie(60), true);
    let uploaded = world.events.pop().unwrap();
    let queue = Arc::new(SqliteQueue::open(&world.folder().join("queue.db")).await.unwrap());
    let service = Transcoding::new(world.deps_on(queue.clone(), queue.clone(), Clock::system()));
    service.recover().await.unwrap();
    queue.publish(&uploaded).await.unwrap();
    let waiting = EventBus::receive(queue.as_ref(), "transcoding");
    let delivery = timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert_eq!(delivery.event, uploaded);
    queue.close().await;
}
