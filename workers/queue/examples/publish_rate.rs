//! How many durable publishes a second a queue takes, alone and pipelined: the embedded one in a
//! folder, or a broker by its `amqp://` address.
//! `cargo run --workspace --example publish_rate [FOLDER | URL]`.

use std::{sync::Arc, time::Instant};

use kinora_media::JobId;
use kinora_plan::job::{JobReport, Report};
use kinora_queue::{AmqpQueue, JobQueue, QueueError, SqliteQueue, Trust};
use uuid::Uuid;

/// How many publish at once, and how much each of them does.
const ROUNDS: [(u32, u32); 3] = [(1, 300), (16, 100), (64, 50)];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    if place.starts_with("amqp") {
        // Names of its own: reports that nobody takes must not meet an orchestrator.
        let namespace = format!("rate-{}", Uuid::now_v7());
        let queue = Arc::new(AmqpQueue::open(&place, &namespace, Trust::default()).await?);
        measure(&queue).await?;
        queue.close().await;
        return Ok(());
    }
    let folder = tempfile::tempdir_in(place)?;
    let queue = Arc::new(SqliteQueue::open(&folder.path().join("queue.sqlite")).await?);
    measure(&queue).await?;
    queue.close().await;
    Ok(())
}

async fn measure(queue: &Arc<impl JobQueue>) -> Result<(), QueueError> {
    // Lanes are made by whoever is first, which takes its time.
    publish(&**queue, 1).await?;
    for (publishers, each) in ROUNDS {
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..publishers {
            let queue = Arc::clone(queue);
            tasks.spawn(async move { publish(&*queue, each).await });
        }
        for result in tasks.join_all().await {
            result?;
        }
        let rate = f64::from(publishers * each) / start.elapsed().as_secs_f64();
        println!("{publishers:>3} publishers: {rate:>8.0} publishes/s");
    }
    Ok(())
}

async fn publish(queue: &impl JobQueue, count: u32) -> Result<(), QueueError> {
    for attempt in 0..count {
        let report =
            Report::AudioEncoded { parts: 1, duration: 2, loudness: None, warnings: Vec::new() };
        let job = JobId(Uuid::now_v7());
        queue
            .report(&JobReport { job, attempt, worker: "example".into(), trace: None, report })
            .await?;
    }
    Ok(())
}
