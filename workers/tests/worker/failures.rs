//! Every way a child can fail, and what the orchestrator hears.

use std::time::{Duration, Instant};

use kinora_media::TrackId;
use kinora_plan::encoder::FailureKind::{self, Input, Internal, Resource};
use kinora_plan::job::Report;
use kinora_store::{Key, keys};

use crate::rig::{HangingStore, Rig};

async fn check(script: &str, kind: FailureKind, code: &str, words: &str) {
    let rig = Rig::new().await;
    let failure = rig.failure(&rig.chunk(script)).await;
    assert_eq!((failure.kind, failure.code.as_str()), (kind, code), "{script}: {failure:?}");
    assert!(failure.message.contains(words), "{script}: {}", failure.message);
}

#[tokio::test]
async fn crashes_are_told_apart() {
    check("segv", Internal, "encoder_crashed", "SIGSEGV").await;
    check("killed", Resource, "encoder_killed", "SIGKILL").await;
    check("starved", Resource, "out_of_memory", "memory limit").await;
    check("exit", Internal, "encoder_failed", "exit code 3").await;
    check("mute", Internal, "encoder_incomplete", "without a result").await;
    check("crash-after-done", Internal, "encoder_crashed", "SIGSEGV").await;
}

#[tokio::test]
async fn a_silent_crash_near_the_memory_limit_is_want_of_memory() {
    let mut rig = Rig::new().await;
    rig.config.memory_limit_mib = 1024;
    let failure = rig.failure(&rig.chunk("gorge")).await;
    assert_eq!((failure.kind, failure.code.as_str()), (Resource, "out_of_memory"), "{failure:?}");
    assert!(failure.message.contains("1024 MiB"), "{}", failure.message);
    rig.config.memory_limit_mib = 8192;
    let failure = rig.failure(&rig.chunk("gorge")).await;
    assert_eq!((failure.kind, failure.code.as_str()), (Internal, "encoder_crashed"), "{failure:?}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_the_files_fault() {
    let mut rig = Rig::new().await;
    rig.config.stall_timeout = Duration::from_millis(700);
    let store = HangingStore::of(rig.store.clone());
    rig.dispatch(&rig.chunk("ok")).await;
    let worker = rig.start_on(store);
    let Report::Failed(failure) = rig.report().await.report else { panic!("it cannot be read") };
    worker.stop().await;
    assert_eq!((failure.kind, failure.code.as_str()), (Resource, "source_read"), "{failure:?}");
    assert!(failure.message.contains("did not answer"), "{}", failure.message);
}

#[tokio::test]
async fn a_job_waits_for_disk_before_it_begins() {
    let mut rig = Rig::new().await;
    rig.config.scratch_reserve_mib = 1 << 40;
    let failure = rig.failure(&rig.chunk("ok")).await;
    assert_eq!((failure.kind, failure.code.as_str()), (Resource, "waiting_for_disk"));
    assert!(failure.message.contains("waits for disk on worker"), "{}", failure.message);
}

#[tokio::test]
async fn a_childs_own_reason_is_passed_on() {
    check("refuse", Input, "decode_error", "This cannot be decoded.").await;
}

#[tokio::test]
async fn broken_output_ends_a_child() {
    check("garbage", Internal, "encoder_protocol", "no message").await;
    check("flood", Internal, "encoder_protocol", "more than").await;
}

#[tokio::test]
async fn results_that_are_not_what_was_announced_are_refused() {
    check("link", Internal, "encoder_result", "not a file").await;
    check("short-file", Internal, "encoder_result", "not as long").await;
}

#[tokio::test]
async fn a_busy_child_is_killed_at_its_deadline_with_its_group() {
    let rig = Rig::new().await;
    let mut message = rig.chunk("busy");
    message.deadline_ms = 1000;
    let start = Instant::now();
    let failure = rig.failure(&message).await;
    assert_eq!((failure.kind, failure.code.as_str()), (Internal, "deadline_exceeded"));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(processes_of(&rig), Vec::<String>::new());
}

#[tokio::test]
async fn a_child_that_gets_no_further_is_killed() {
    let mut rig = Rig::new().await;
    rig.config.stall_timeout = Duration::from_millis(700);
    let failure = rig.failure(&rig.chunk("hang")).await;
    assert_eq!((failure.kind, failure.code.as_str()), (Internal, "no_progress"));
}

#[tokio::test]
async fn other_parameter_sets_than_before_are_an_error() {
    let rig = Rig::new().await;
    let track = TrackId::new("v1080").unwrap();
    rig.put(&keys::init(rig.video, 1, &track), b"init of v1080".to_vec()).await;
    let failure = rig.failure(&rig.chunk("other-init")).await;
    assert_eq!((failure.kind, failure.code.as_str()), (Internal, "parameter_sets_differ"));
    assert_eq!(rig.object("v1080", "init.mp4").await.unwrap(), b"init of v1080");
    assert!(rig.object("v1080", "00007-2.m4s").await.is_none());
}

#[tokio::test]
async fn other_bytes_under_the_same_attempt_are_an_error() {
    let rig = Rig::new().await;
    let track = TrackId::new("v1080").unwrap();
    let key: Key = keys::track_object(rig.video, 1, &track, "00007-2.m4s");
    rig.put(&key, b"bytes".to_vec()).await;
    let failure = rig.failure(&rig.chunk("other-body")).await;
    assert_eq!((failure.kind, failure.code.as_str()), (Internal, "object_differs"));
    assert_eq!(rig.object("v1080", "00007-2.m4s").await.unwrap(), b"bytes");
}

#[tokio::test]
async fn the_worker_knows_why_a_source_cannot_be_read() {
    let rig = Rig::new().await;
    let mut message = rig.chunk("unread");
    message.source_key = "sources/nobody/original".into();
    let failure = rig.failure(&message).await;
    assert_eq!(failure.code, "source_missing");
    assert!(failure.message.contains("no longer in the store"), "{}", failure.message);
}

#[tokio::test]
async fn a_worker_without_an_encoder_does_not_start() {
    let mut rig = Rig::new().await;
    rig.config.encoder = rig.folder.path().join("nothing");
    let running = kinora_workers::run(
        rig.config.clone(),
        rig.queue.clone(),
        rig.store.clone(),
        tokio_util::sync::CancellationToken::new(),
    );
    let error = format!("{:#}", running.await.unwrap_err());
    assert!(error.contains("find the encoder"), "{error}");
}

/// Command lines of processes whose working folder is (or was) in this rig's scratch.
pub(crate) fn processes_of(rig: &Rig) -> Vec<String> {
    let scratch = rig.folder.path().join("scratch");
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ours = processes.filter(|process| {
        let cwd = std::fs::read_link(process.path().join("cwd"));
        cwd.is_ok_and(|cwd| cwd.starts_with(&scratch))
    });
    ours.map(|process| std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default())
        .filter(|line| !line.is_empty())
        .collect()
}
