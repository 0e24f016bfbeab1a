//! Chunks of one title in one child.

use std::time::{Duration, Instant};

use kinora_media::VideoId;
use kinora_plan::{
    encoder::FailureKind,
    job::{Control, JobMessage, JobPayload, Report},
};
use kinora_queue::JobQueue;
use kinora_store::keys;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    failures::processes_of,
    lifecycle::begun,
    rig::{Rig, soon, source},
};

/// A worker of one slot, so that its jobs follow one another.
async fn rig() -> Rig {
    let mut rig = Rig::new().await;
    rig.config.slots = 1;
    rig
}

/// Chunk `index` of the rig's title.
fn chunk(rig: &Rig, index: u32, script: &str) -> JobMessage {
    let mut message = rig.chunk(script);
    if let JobPayload::EncodeChunk(spec) = &mut message.payload {
        spec.chunk.index = index;
        spec.chunk.first_frame = u64::from(index) * 60;
    }
    message
}

/// Has chunks encoded one after the other; what their children said of themselves.
async fn encoded(rig: &Rig, jobs: &[JobMessage]) -> Vec<Value> {
    let mut facts = Vec::new();
    for job in jobs {
        rig.dispatch(job).await;
        match rig.report().await.report {
            Report::ChunkEncoded { warnings, .. } => {
                facts.push(serde_json::from_str(&warnings[0].message).unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
    facts
}

#[tokio::test]
async fn a_child_goes_on_with_the_next_chunk_and_finds_an_empty_folder() {
    let rig = rig().await;
    let worker = rig.start();
    let jobs = [0, 1, 2].map(|index| chunk(&rig, index, "series"));
    let facts = encoded(&rig, &jobs).await;
    for (number, fact) in (1..).zip(&facts) {
        assert_eq!((&fact["pid"], &fact["series"]), (&facts[0]["pid"], &Value::Bool(true)));
        assert_eq!(fact["number"], number);
        assert_eq!(fact["results"], serde_json::json!(["v1080", "v360"]));
    }
    for index in 0..3 {
        let object = rig.object("v360", &format!("{index:05}-2.m4s")).await.unwrap();
        assert_eq!(object, format!("body {index}").into_bytes());
    }
    worker.stop().await;
    assert_eq!((rig.scratch_folders(), processes_of(&rig)), (0, vec![]));
}

#[tokio::test]
async fn nothing_waits_after_the_last_chunk_or_for_too_long() {
    let mut rig = rig().await;
    rig.config.idle_timeout = Duration::from_millis(300);
    let worker = rig.start();
    let mut last = chunk(&rig, 1, "series");
    if let JobPayload::EncodeChunk(spec) = &mut last.payload {
        spec.last = true;
    }
    // The second goes on with the first's child, whether or not it is the last.
    encoded(&rig, &[chunk(&rig, 0, "series"), last]).await;
    gone(&rig).await;
    encoded(&rig, &[chunk(&rig, 2, "series")]).await;
    gone(&rig).await;
    worker.stop().await;
}

/// Waits until no child and no folder is left, while the worker runs on.
async fn gone(rig: &Rig) {
    soon(async {
        while rig.scratch_folders() > 0 || !processes_of(rig).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn no_child_sees_two_titles_or_two_plans() {
    let mut rig = rig().await;
    let first = chunk(&rig, 0, "series");
    let second_version = JobMessage { version: 2, ..chunk(&rig, 1, "series") };
    let mut other_settings = chunk(&rig, 2, "series");
    if let JobPayload::EncodeChunk(spec) = &mut other_settings.payload {
        spec.rungs[0].crf += 1;
    }
    rig.video = VideoId(Uuid::now_v7());
    rig.put(&keys::source(rig.video), source()).await;
    let other_title = chunk(&rig, 3, "series");
    let worker = rig.start();
    let facts = encoded(&rig, &[first, second_version, other_settings, other_title]).await;
    assert!(facts.iter().all(|fact| fact["number"] == 1), "{facts:?}");
    assert_eq!(processes_of(&rig).len(), 1, "one slot, one child");
    worker.stop().await;
}

#[tokio::test]
async fn a_crash_in_the_second_chunk_costs_that_chunk_alone() {
    let rig = rig().await;
    let worker = rig.start();
    let first = encoded(&rig, &[chunk(&rig, 0, "series-segv")]).await;
    let second = chunk(&rig, 1, "series-segv");
    rig.dispatch(&second).await;
    let Report::Failed(failure) = rig.report().await.report else { panic!("it crashed") };
    assert_eq!((failure.kind, &*failure.code), (FailureKind::Internal, "encoder_crashed"));
    assert!(rig.object("v360", "00000-2.m4s").await.is_some(), "the first is there");
    let again = JobMessage { attempt: 3, ..second };
    let third = encoded(&rig, &[again]).await;
    assert_eq!(third[0]["number"], 1, "by a new child");
    assert_ne!(third[0]["pid"], first[0]["pid"]);
    assert!(rig.object("v360", "00001-3.m4s").await.is_some());
    worker.stop().await;
}

#[tokio::test]
async fn deadlines_are_of_a_chunk_and_not_of_a_series() {
    let rig = rig().await;
    let worker = rig.start();
    let jobs =
        [0, 1].map(|index| JobMessage { deadline_ms: 3000, ..chunk(&rig, index, "series-hang") });
    let start = Instant::now();
    encoded(&rig, &jobs[..1]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.dispatch(&jobs[1]).await;
    let Report::Failed(failure) = rig.report().await.report else { panic!("it hangs") };
    assert_eq!(failure.code, "deadline_exceeded");
    assert!(start.elapsed() > Duration::from_secs(4), "{:?}", start.elapsed());
    worker.stop().await;
    assert_eq!(processes_of(&rig), Vec::<String>::new());
}

#[tokio::test]
async fn a_child_at_its_second_chunk_is_cancelled_with_it_and_one_that_waits_with_its_title() {
    let rig = rig().await;
    let worker = rig.start();
    encoded(&rig, &[chunk(&rig, 0, "series-hang")]).await;
    let second = chunk(&rig, 1, "series-hang");
    rig.dispatch(&second).await;
    begun(&rig, &second).await;
    let cancel = Control::CancelVideo { video: rig.video };
    let said = Instant::now();
    rig.queue.publish_control(&cancel).await.unwrap();
    rig.settled().await;
    assert!(said.elapsed() < Duration::from_secs(2), "{:?}", said.elapsed());
    assert_eq!((rig.scratch_folders(), processes_of(&rig)), (0, vec![]));

    encoded(&rig, &[chunk(&rig, 2, "series")]).await;
    rig.settled().await;
    let said = Instant::now();
    rig.queue.publish_control(&cancel).await.unwrap();
    gone(&rig).await;
    assert!(said.elapsed() < Duration::from_secs(4), "{:?}", said.elapsed());
    worker.stop().await;
}

#[tokio::test]
async fn a_child_that_grows_or_dies_while_it_waits_is_not_gone_on_with() {
    let rig = rig().await;
    let worker = rig.start();
    let jobs = [0, 1, 2].map(|index| chunk(&rig, index, "series-grow"));
    let facts = encoded(&rig, &jobs).await;
    let numbers: Vec<_> = facts.iter().map(|fact| fact["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 1], "it grew at its second chunk");

    rig.settled().await;
    let process = facts[2]["pid"].as_i64().unwrap().to_string();
    let killed = std::process::Command::new("kill").args(["-9", &process]).status().unwrap();
    assert!(killed.success());
    // A signal is sent before it has killed.
    let status = || std::fs::read_to_string(format!("/proc/{process}/status"));
    while status().is_ok_and(|status| !status.contains("State:\tZ")) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let facts = encoded(&rig, &[chunk(&rig, 3, "series-grow")]).await;
    assert_eq!(facts[0]["number"], 1);
    worker.stop().await;
}
