//! How many durable publishes a second the embedded queue takes, alone and pipelined:
//! `cargo run -p kinora-queue --example publish_rate [FOLDER]`.

use std::{sync::Arc, time::Instant};

use kinora_media::JobId;
use kinora_plan::job::{JobReport, Report};
use kinora_queue::{JobQueue, QueueError, SqliteQueue};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let folder = tempfile::tempdir_in(root)?;
    let queue = Arc::new(SqliteQueue::open(&folder.path().join("queue.sqlite")).await?);
    for (publishers, each) in [(1_u32, 300_u32), (16, 100), (64, 50)] {
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..publishers {
            let queue = Arc::clone(&queue);
            tasks.spawn(async move { publish(&queue, each).await });
        }
        for result in tasks.join_all().await {
            result?;
        }
        let rate = f64::from(publishers * each) / start.elapsed().as_secs_f64();
        println!("{publishers:>3} publishers: {rate:>8.0} publishes/s");
    }
    queue.close().await;
    Ok(())
}

async fn publish(queue: &SqliteQueue, count: u32) -> Result<(), QueueError> {
    for attempt in 0..count {
        let report =
            Report::AudioEncoded { parts: 1, duration: 2, loudness: None, warnings: Vec::new() };
        let job = JobId(Uuid::now_v7());
        queue.report(&JobReport { job, attempt, worker: "example".into(), report }).await?;
    }
    Ok(())
}
