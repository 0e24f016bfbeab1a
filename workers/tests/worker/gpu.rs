//! Chunks on graphics processors, as far as the worker is concerned.

use kinora_plan::{
    device::EncoderFamily,
    encoder::{FailureKind, GPU_UNAVAILABLE, ProbeSpec},
    job::{JobPayload, Report},
};
use kinora_workers::GpuPolicy;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, SOURCE_SIZE};

async fn rig(policy: GpuPolicy) -> Rig {
    let mut rig = Rig::new().await;
    rig.config.gpu = policy;
    rig
}

#[tokio::test]
async fn a_probe_says_which_devices_work() {
    for (policy, expected) in [
        (GpuPolicy::Auto, &["nvenc-0"][..]),
        (GpuPolicy::Device("nvenc-0".into()), &["nvenc-0"]),
        (GpuPolicy::Cpu, &[]),
    ] {
        let rig = rig(policy).await;
        let report =
            rig.outcome(&rig.message(JobPayload::Probe(ProbeSpec::new(SOURCE_SIZE)))).await;
        let Report::Probed(probe) = report else { panic!("{report:?}") };
        let found: Vec<&str> = probe.encoders.iter().map(|device| device.id.as_str()).collect();
        assert_eq!(found, expected);
        assert!(probe.encoders.iter().all(|device| device.sessions == 2));
    }
}

#[tokio::test]
async fn a_worker_without_the_device_it_must_have_does_not_start() {
    let rig = rig(GpuPolicy::Device("vaapi-renderD128".into())).await;
    let worker = kinora_workers::run(
        rig.config.clone(),
        rig.queue.clone(),
        rig.store.clone(),
        CancellationToken::new(),
    );
    let error = worker.await.unwrap_err().to_string();
    assert!(error.contains("vaapi-renderD128") && error.contains("doctor"), "{error}");
}

#[tokio::test]
async fn a_chunk_gets_a_device_and_no_limit_of_addresses() {
    let rig = rig(GpuPolicy::Auto).await;
    let mut message = rig.chunk_on(EncoderFamily::Nvenc, "confined");
    if let JobPayload::EncodeChunk(spec) = &mut message.payload {
        spec.generation = 1;
    }
    let report = rig.outcome(&message).await;
    let Report::ChunkEncoded { warnings, .. } = report else { panic!("{report:?}") };
    let facts: Value = serde_json::from_str(&warnings[0].message).unwrap();
    assert_eq!(facts["encoder"]["device"], "nvenc-0");
    assert_eq!(facts["memory"], "auto", "no limit stands before the sandbox");
    // Parameter sets of another generation have a file of their own.
    assert!(rig.object("v360", "init-1.mp4").await.is_some());
    assert!(rig.object("v360", "init.mp4").await.is_none());
}

#[tokio::test]
async fn a_device_that_crashes_or_is_not_there_is_told_from_a_bad_file() {
    for (device, script, code) in [
        (None, "segv", "encoder_crashed"),
        (None, "killed", "encoder_killed"),
        (Some("nvenc-1"), "ok", GPU_UNAVAILABLE),
    ] {
        let rig = rig(GpuPolicy::Auto).await;
        let mut message = rig.chunk_on(EncoderFamily::Nvenc, script);
        if let JobPayload::EncodeChunk(spec) = &mut message.payload {
            spec.encoder.device = device.map(str::to_owned);
        }
        let failure = rig.failure(&message).await;
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Gpu, code));
    }
}

#[tokio::test]
async fn other_parameter_sets_than_before_are_the_devices_fault() {
    let rig = rig(GpuPolicy::Auto).await;
    rig.outcome(&rig.chunk_on(EncoderFamily::Nvenc, "ok")).await;
    let failure = rig.failure(&rig.chunk_on(EncoderFamily::Nvenc, "other-init")).await;
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Gpu, "parameter_sets_differ"));
}
