//! The embedded adapter keeps the contract, and what is its own.
#![allow(clippy::unwrap_used, reason = "a test helper may panic, too")]

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use kinora_media::JobId;
use kinora_plan::{
    device::EncoderFamily,
    job::{JobClass, JobMessage, JobPayload, JobReport, Report},
};
use kinora_queue::{
    JobQueue, QueueError, SqliteQueue,
    contract::{Fixture, Ports, events, jobs, reports},
};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

struct File {
    folder: TempDir,
}

impl File {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("queue.sqlite")
    }

    async fn sql(&self) -> SqliteConnection {
        SqliteConnection::connect(&format!("sqlite://{}", self.path().display())).await.unwrap()
    }
}

#[async_trait]
impl Fixture for File {
    async fn open(&self) -> Ports {
        let queue = Arc::new(SqliteQueue::open(&self.path()).await.unwrap());
        Ports { jobs: Arc::clone(&queue) as _, events: queue }
    }
}

macro_rules! contract {
    ($($module:ident::$promise:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            $module::$promise(&File::new()).await;
        })*
    };
}

kinora_queue::for_each_promise!(contract);

fn report(attempt: u32) -> JobReport {
    let report =
        Report::AudioEncoded { parts: 1, duration: 2, loudness: None, warnings: Vec::new() };
    JobReport { job: JobId(Uuid::nil()), attempt, worker: "test".into(), trace: None, report }
}

#[tokio::test]
async fn an_unreadable_message_is_set_aside_with_the_reason() {
    let file = File::new();
    let queue = SqliteQueue::open(&file.path()).await.unwrap();
    queue.report(&report(1)).await.unwrap();
    queue.report(&report(2)).await.unwrap();
    queue.close().await;
    let mut sql = file.sql().await;
    sqlx::query("UPDATE messages SET payload = '{\"job\":3}' WHERE id = 1")
        .execute(&mut sql)
        .await
        .unwrap();

    let queue = SqliteQueue::open(&file.path()).await.unwrap();
    assert_eq!(queue.receive_report().await.unwrap().report, report(2));
    let (payload, reason): (String, String) =
        sqlx::query_as("SELECT payload, reason FROM dead_letters WHERE lane = 'reports'")
            .fetch_one(&mut sql)
            .await
            .unwrap();
    assert_eq!(payload, "{\"job\":3}");
    assert!(reason.starts_with("unreadable report: "), "{reason}");
    let left: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM messages").fetch_one(&mut sql).await.unwrap();
    assert_eq!(left, 1);
    assert_eq!((queue.purge_dead().await.unwrap(), queue.purge_dead().await.unwrap()), (1, 0));
    let dead: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM dead_letters").fetch_one(&mut sql).await.unwrap();
    assert_eq!(dead, 0);
}

/// An orchestrator of the version before knows no lanes of devices.
#[tokio::test]
async fn what_is_for_a_device_and_lies_on_the_common_lane_goes_to_whoever_comes() {
    let file = File::new();
    let queue = SqliteQueue::open(&file.path()).await.unwrap();
    let recorded = include_str!("payloads/job-encode_chunk.json");
    let mut message: JobMessage = serde_json::from_str(recorded).unwrap();
    let JobPayload::EncodeChunk(spec) = &mut message.payload else { panic!() };
    spec.encoder.family = EncoderFamily::Nvenc;
    queue.dispatch(&message).await.unwrap();
    queue.close().await;
    let moved = sqlx::query(
        "UPDATE messages SET lane = 'jobs/encode_chunk' WHERE lane LIKE 'jobs/encode_chunk/nvenc%'",
    );
    let moved = moved.execute(&mut file.sql().await).await.unwrap();
    assert_eq!(moved.rows_affected(), 1);
    let queue = SqliteQueue::open(&file.path()).await.unwrap();
    let received = JobQueue::receive(&queue, &[JobClass::EncodeChunk], &[]).await.unwrap();
    assert_eq!(received.message, message);
}

#[tokio::test]
async fn a_closed_queue_says_so() {
    let file = File::new();
    let queue = Arc::new(SqliteQueue::open(&file.path()).await.unwrap());
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.receive_report().await }
    });
    tokio::task::yield_now().await;
    queue.close().await;
    assert!(matches!(waiting.await.unwrap(), Err(QueueError::Closed)));
    assert!(matches!(queue.report(&report(1)).await, Err(QueueError::Closed)));
}

#[tokio::test]
async fn a_file_of_a_newer_format_is_refused() {
    let file = File::new();
    SqliteQueue::open(&file.path()).await.unwrap().close().await;
    let mut sql = file.sql().await;
    sqlx::query("PRAGMA user_version = 9").execute(&mut sql).await.unwrap();
    let error = SqliteQueue::open(&file.path()).await.unwrap_err();
    assert!(matches!(error, QueueError::Format { found: 9, supported: 1 }), "{error}");
}

#[tokio::test]
async fn a_write_is_kept_when_its_caller_goes_away() {
    let file = File::new();
    let queue = SqliteQueue::open(&file.path()).await.unwrap();
    {
        let sent = report(1);
        let mut writing = std::pin::pin!(queue.report(&sent));
        // Polled once: handed to the writer, but not waited for.
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(writing.as_mut().poll(context).is_ready())
        });
        assert!(!polled.await);
    }
    assert_eq!(queue.receive_report().await.unwrap().report, report(1));
}
