//! What good children make, and where it goes.

use kinora_media::SegmentEntry;
use kinora_plan::{
    encoder::ProbeSpec,
    job::{JobPayload, Report},
};
use serde_json::Value;

use crate::{
    failures::processes_of,
    rig::{Rig, SOURCE_SIZE, source},
};

#[tokio::test]
async fn a_probe_reads_the_whole_source() {
    let rig = Rig::new().await;
    let spec = ProbeSpec::new(SOURCE_SIZE);
    let report = rig.outcome(&rig.message(JobPayload::Probe(spec))).await;
    let Report::Probed(probe) = report else { panic!("{report:?}") };
    assert_eq!(probe.size, SOURCE_SIZE);
}

#[tokio::test]
async fn a_chunk_becomes_an_object_a_rung() {
    let rig = Rig::new().await;
    let report = rig.outcome(&rig.chunk("ok")).await;
    let Report::ChunkEncoded { frames, objects, .. } = report else { panic!("{report:?}") };
    assert_eq!(frames, 60);
    let tail = &source()[SOURCE_SIZE as usize - 1000..];
    for (object, track) in objects.iter().zip(["v1080", "v360"]) {
        assert_eq!(object.track.as_str(), track);
        assert_eq!(object.object, "00007-2.m4s");
        assert_eq!(object.segments, [SegmentEntry::new(1000, 60)]);
        assert_eq!(rig.object(track, &object.object).await.unwrap(), tail);
        let init = rig.object(track, "init.mp4").await.unwrap();
        assert_eq!(init, format!("init of {track}").into_bytes());
    }
}

#[tokio::test]
async fn a_job_delivered_twice_is_reported_twice_and_stored_once() {
    let rig = Rig::new().await;
    let message = rig.chunk("ok");
    let first = rig.outcome(&message).await;
    assert_eq!(rig.outcome(&message).await, first);
}

#[tokio::test]
async fn ranges_are_bounded() {
    let rig = Rig::new().await;
    rig.outcome(&rig.chunk("bounds")).await;
    let seen = rig.object("v360", "00007-2.m4s").await.unwrap();
    assert_eq!(String::from_utf8(seen).unwrap(), "[-2, -2, 3, 0]");
}

#[tokio::test]
async fn sound_is_stored_and_reported_part_by_part() {
    let rig = Rig::new().await;
    let message = rig.audio("ok", 1);
    rig.dispatch(&message).await;
    let worker = rig.start();
    // Part 0 was published by an earlier attempt.
    for part in 1..3 {
        let report = rig.report().await.report;
        let Report::AudioPartEncoded { part: index, priming, object } = report else {
            panic!("{report:?}")
        };
        assert_eq!((index, priming), (part, 1024));
        assert_eq!(object.object, format!("{part:05}-2.m4s"));
        let bytes = rig.object("a-und", &object.object).await.unwrap();
        assert_eq!(bytes, format!("part {part}").into_bytes());
    }
    let last = rig.report().await.report;
    assert_eq!(
        last,
        Report::AudioEncoded { parts: 3, duration: 180, loudness: None, warnings: Vec::new() }
    );
    rig.settled().await;
    worker.stop().await;
    assert!(rig.object("a-und", "00000-2.m4s").await.is_none());
    assert_eq!(rig.object("a-und", "init.mp4").await.unwrap(), b"init of audio");
}

#[tokio::test]
async fn parts_outlive_the_child_that_made_them() {
    let rig = Rig::new().await;
    rig.dispatch(&rig.audio("die-after-two", 0)).await;
    let worker = rig.start();
    let mut reports = Vec::new();
    for _ in 0..3 {
        reports.push(rig.report().await.report);
    }
    worker.stop().await;
    assert!(matches!(&reports[0], Report::AudioPartEncoded { part: 0, .. }));
    assert!(matches!(&reports[1], Report::AudioPartEncoded { part: 1, .. }));
    assert!(matches!(&reports[2], Report::Failed(failure) if failure.code == "encoder_crashed"));
    assert_eq!(rig.object("a-und", "00001-2.m4s").await.unwrap(), b"part 1");
}

#[tokio::test]
async fn what_a_child_leaves_running_is_killed() {
    let rig = Rig::new().await;
    let report = rig.outcome(&rig.chunk("grandchild")).await;
    assert!(matches!(report, Report::ChunkEncoded { .. }), "{report:?}");
    assert_eq!(processes_of(&rig), Vec::<String>::new());
}

#[tokio::test]
async fn a_child_is_confined() {
    let rig = Rig::new().await;
    let report = rig.outcome(&rig.chunk("confined")).await;
    let Report::ChunkEncoded { warnings, .. } = report else { panic!("{report:?}") };
    let facts: Value = serde_json::from_str(&warnings[0].message).unwrap();
    assert_eq!(facts["task"], "chunk");
    assert_eq!(facts["memory"], "4096");
    assert_eq!(facts["cwd"], facts["home"]);
    assert!(facts["cwd"].as_str().unwrap().contains("scratch/worker/jobs/job-"), "{facts}");
    assert_eq!(facts["group"], true);
    // Set right after the start: the child may look before it is.
    assert!(facts["nice"].as_i64().unwrap() >= 0);
    // Cargo gives the tests plenty of variables; a wrapper of the child may add some of its own.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    for name in facts["env"].as_array().unwrap().iter().filter_map(Value::as_str) {
        assert!(!name.starts_with("CARGO"), "{name} leaked into the child");
    }
}
