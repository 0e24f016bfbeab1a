//! Progress, cancellation, shutdown, and jobs side by side.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use kinora_media::VideoId;
use kinora_plan::job::{Control, JobClass, JobMessage, Report};
use kinora_queue::JobQueue;
use uuid::Uuid;

use crate::{
    failures::processes_of,
    rig::{Rig, soon},
};

/// Waits until the child of `message` has begun.
pub(crate) async fn begun(rig: &Rig, message: &JobMessage) {
    let mut signs = rig.queue.subscribe_progress();
    soon(async {
        loop {
            let sign = signs.recv().await.unwrap();
            if sign.job == message.job && sign.done > 0 {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn progress_is_published_and_beats_on_in_silence() {
    let mut rig = Rig::new().await;
    rig.config.stall_timeout = Duration::from_secs(2);
    let mut signs = rig.queue.subscribe_progress();
    // Says `1 of 60` once and then nothing new.
    let message = rig.chunk("hang");
    rig.dispatch(&message).await;
    let worker = rig.start();
    rig.report().await;
    worker.stop().await;
    let mut seen = Vec::new();
    while let Ok(sign) = signs.try_recv() {
        assert_eq!((sign.job, sign.attempt, sign.total), (message.job, 2, 60));
        assert_eq!(sign.worker, "worker");
        seen.push(sign.done);
    }
    assert!(seen.is_sorted() && seen.last() == Some(&1), "{seen:?}");
    // 2 s at a beat of 0.1 s, on a busy machine.
    assert!((5..=60).contains(&seen.len()), "{seen:?}");
}

async fn cancelled_by(control: impl FnOnce(&JobMessage) -> Control) {
    let rig = Rig::new().await;
    let worker = rig.start();
    let message = rig.chunk("busy");
    rig.dispatch(&message).await;
    begun(&rig, &message).await;
    let other = Control::CancelVideo { video: VideoId(Uuid::nil()) };
    rig.queue.publish_control(&other).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(rig.scratch_folders(), 1, "another video's word stopped it");

    let start = Instant::now();
    rig.queue.publish_control(&control(&message)).await.unwrap();
    rig.settled().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(rig.scratch_folders(), 0);
    assert_eq!(processes_of(&rig), Vec::<String>::new());
    worker.stop().await;
}

#[tokio::test]
async fn cancelling_a_video_stops_its_jobs_without_a_report() {
    cancelled_by(|message| Control::CancelVideo { video: message.video }).await;
}

#[tokio::test]
async fn cancelling_an_attempt_stops_it_without_a_report() {
    cancelled_by(|message| Control::CancelAttempt { job: message.job, attempt: 2 }).await;
}

#[tokio::test]
async fn shutdown_kills_the_child_and_hands_the_job_back() {
    let rig = Rig::new().await;
    let worker = rig.start();
    let message = rig.chunk("busy");
    rig.dispatch(&message).await;
    begun(&rig, &message).await;
    let start = Instant::now();
    worker.stop().await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(rig.scratch_folders(), 0);
    assert_eq!(processes_of(&rig), Vec::<String>::new());
    let again = soon(rig.queue.receive(&[JobClass::EncodeChunk], &[])).await.unwrap();
    assert_eq!(again.message, message);
}

#[tokio::test]
async fn chunks_of_one_video_run_side_by_side() {
    let mut rig = Rig::new().await;
    rig.config.slots = 3;
    let jobs = [rig.chunk("busy"), rig.chunk("busy"), rig.chunk("busy")];
    let mut signs = rig.queue.subscribe_progress();
    for job in &jobs {
        rig.dispatch(job).await;
    }
    let worker = rig.start();
    let mut seen = BTreeSet::new();
    soon(async {
        while seen.len() < jobs.len() {
            let sign = signs.recv().await.unwrap();
            if sign.done > 0 {
                seen.insert(sign.job);
            }
        }
    })
    .await;
    worker.stop().await;
}

#[tokio::test]
async fn a_slot_goes_on_after_a_failure() {
    let mut rig = Rig::new().await;
    rig.config.slots = 1;
    for script in ["segv", "garbage", "ok"] {
        rig.dispatch(&rig.chunk(script)).await;
    }
    let worker = rig.start();
    for _ in 0..2 {
        assert!(matches!(rig.report().await.report, Report::Failed(_)));
    }
    assert!(matches!(rig.report().await.report, Report::ChunkEncoded { .. }));
    worker.stop().await;
}
