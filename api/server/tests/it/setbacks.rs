//! What befalls a real encoder under a real server: no disk, no memory, no life. It ends that
//! chunk only, which is taken again as the error's kind says.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    small_disk::SmallDisk,
    support::{Server, sample},
};

/// Longer than anything here takes, on a busy machine as well.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_full_scratch_disk_is_cleaned_and_waited_for() {
    let Some(scratch) = SmallDisk::mount(48) else { return };
    let server = Server::start_with(&[
        ("KINORA_WORKER_SCRATCH_DIR", scratch.path().to_str().unwrap()),
        ("KINORA_WORKER_SCRATCH_RESERVE_MIB", "0"),
        ("KINORA_WORKER_SLOTS", "1"),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "8", "--size", "1280x720", "--no-audio"]);
    let video = server.upload_file(&clip).await;
    // The room was there when the chunk began; somebody else takes it.
    encoder(&server, "chunk").await;
    scratch.fill();
    let full = server.until_job(&video, |job| code(job) == "out_of_disk").await;
    assert!(message(&full).contains("No space left"), "{full:#}");
    // A further try does not even begin, and nothing of the first is left.
    let waiting = server.until_job(&video, |job| code(job) == "waiting_for_disk").await;
    assert!(message(&waiting).contains("waits for disk on"), "{waiting:#}");
    assert_eq!(left_in(&scratch), Vec::<String>::new());
    assert_eq!(server.get("/healthz").await["status"], "ok");

    scratch.empty();
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    assert_eq!(left_in(&scratch), Vec::<String>::new());
}

#[tokio::test]
async fn an_encoder_that_needs_more_memory_than_it_may_have_fails_with_that_reason() {
    // Address space, most of it libraries and the reserves of threads: to probe the small clip takes 650
    // MiB, the large one's chunk fails up to 950. The middle leaves as much on both sides.
    let server = Server::start_with(&[("KINORA_WORKER_MEMORY_LIMIT_MIB", "800")]).await;
    let folder = tempfile::tempdir().unwrap();
    let large = sample(folder.path(), &["--seconds", "1", "--size", "3840x2160", "--no-audio"]);
    let video = server.upload_file(&large).await;
    let over = server.wait_until_over(&video).await;
    assert_eq!(over["state"], "failed", "{over:#}");
    assert_eq!(over["reason"]["code"], "out_of_memory", "{over:#}");
    let reason = over["reason"]["message"].as_str().unwrap();
    assert!(reason.contains("memory limit of 800 MiB"), "{reason}");

    let small = sample(folder.path(), &["--seconds", "2", "--size", "320x180", "--no-audio"]);
    let video = server.upload_file(&small).await;
    assert_eq!(server.wait_until_over(&video).await["state"], "ready");
}

#[tokio::test]
async fn an_encoder_that_hangs_in_mid_chunk_is_ended_and_its_chunk_taken_again() {
    let server =
        Server::start_with(&[("KINORA_WORKER_STALL_MS", "4000"), ("KINORA_WORKER_SLOTS", "1")])
            .await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "4", "--size", "1280x720", "--no-audio"]);
    let video = server.upload_file(&clip).await;
    let hanging = encoder(&server, "chunk").await;
    kill_process(hanging, Signal::STOP).unwrap();

    let told = server.until_job(&video, |job| code(job) == "no_progress").await;
    assert_eq!(told["class"], "encode_chunk", "{told:#}");
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let jobs = server.jobs(&video).await;
    let again = jobs.iter().find(|job| job["id"] == told["id"]).unwrap();
    assert_eq!((&again["state"], again["attempt"].as_u64()), (&"done".into(), Some(2)));
    assert!(!alive(hanging), "it was stopped, and must be gone");
}

/// The first encoder at a task of this name, once it is there.
async fn encoder(server: &Server, task: &str) -> Pid {
    let since = Instant::now();
    loop {
        let found = server.encoder_processes().into_iter();
        let at_it = found.filter(|(_, line)| line.split('\0').nth(1) == Some(task));
        if let Some((pid, _)) = at_it.map(|(pid, line)| (Pid::from_raw(pid).unwrap(), line)).next()
        {
            return pid;
        }
        assert!(since.elapsed() < PATIENCE, "no encoder is at a {task}");
        tokio::time::sleep(PAUSE).await;
    }
}

fn code(job: &Value) -> &str {
    job["error"]["code"].as_str().unwrap_or_default()
}

fn message(job: &Value) -> &str {
    job["error"]["message"].as_str().unwrap_or_default()
}

/// Folders of jobs on the scratch disk.
fn left_in(scratch: &SmallDisk) -> Vec<String> {
    let workers = std::fs::read_dir(scratch.path()).unwrap().flatten();
    let jobs = workers.filter_map(|worker| std::fs::read_dir(worker.path().join("jobs")).ok());
    jobs.flatten().flatten().map(|job| job.path().display().to_string()).collect()
}

fn alive(pid: Pid) -> bool {
    std::path::Path::new("/proc").join(pid.as_raw_nonzero().to_string()).exists()
}
