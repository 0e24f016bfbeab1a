//! Workers with a graphics processor and without, on one broker: each gets what it can do.

use std::{path::Path, time::Duration};

use serde_json::Value;

use crate::support::{Cluster, SERVICES, Server, ffprobe, rendition, sample, text, variants};

/// A profile that encodes everything itself.
const PROFILE: &str = "description = \"tests\"\npassthrough = false\n";
const SECONDS: usize = 16;
const RATE: usize = 30;

/// A worker whose host has a device.
async fn with_device(cluster: &Cluster) -> Server {
    let settings =
        [("KINORA_FAKE_GPU", "ok"), ("KINORA_WORKER_NAME", "with"), ("KINORA_WORKER_SLOTS", "1")];
    cluster.process("worker", &settings).await
}

fn is_chunk(job: &Value) -> bool {
    job["class"] == "encode_chunk"
}

/// Waits until all that is for every worker is done.
async fn until_others_are_done(services: &Server, video: &str) {
    loop {
        let jobs = services.jobs(video).await;
        if jobs.iter().all(|job| is_chunk(job) || job["state"] == "done") {
            return;
        }
        assert!(jobs.iter().all(|job| job["state"] != "failed"), "{jobs:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_workers_that_have_a_device_get_what_is_for_it() {
    let cluster = Cluster::start().await;
    let origin = cluster.origin().await;
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("profiles");
    std::fs::create_dir(&profiles).unwrap();
    std::fs::write(profiles.join("encoded.toml"), PROFILE).unwrap();
    let settings = [
        ("KINORA_ORIGIN_PUBLIC_URL", &*origin.origin),
        ("KINORA_TRANSCODING_MAX_IN_FLIGHT", "4"),
        ("KINORA_TRANSCODING_PROFILES", profiles.to_str().unwrap()),
        ("KINORA_TRANSCODING_DEFAULT_PROFILE", "encoded"),
    ];
    let services = cluster.process(SERVICES, &settings).await;

    // One that has a device examines the film, so that it is planned for one, and goes.
    let mut first = with_device(&cluster).await;
    let seconds = SECONDS.to_string();
    let clip = sample(folder.path(), &["--seconds", &seconds, "--size", "320x180"]);
    let video = services.upload_file(&clip).await;
    services.until_job(&video, is_chunk).await;
    first.stop();

    // One without does all that it can do; chunks of the picture stay where they are.
    let without = cluster.worker("without").await;
    until_others_are_done(&services, &video).await;
    let jobs = services.jobs(&video).await;
    assert!(jobs.iter().any(|job| is_chunk(job) && job["state"] == "dispatched"), "{jobs:#?}");
    let with = with_device(&cluster).await;
    let ready = services.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    assert!(!ready["warnings"].to_string().contains("graphics"), "{ready:#}");
    for job in services.jobs(&video).await {
        assert_eq!(job["error"], Value::Null, "{job:#}");
        assert!(!is_chunk(&job) || job["worker"] == "with", "{job:#}");
    }
    for worker in [&without, &with] {
        assert!(!worker.log().contains("gpu_unavailable"), "{}", worker.log());
    }
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let top = rendition(&variants(&text(url).await, url).remove(0)).await;
    let pictures = format!("h264,{}", SECONDS * RATE);
    assert_eq!(ffprobe(&top, "stream=codec_name,nb_read_packets"), [pictures]);
    cancelled_and_replayed(&cluster, &services, (with, without), &clip).await;
    crate::invariant::holds(&services).await;
}

/// What lies on a device's lane is cancelled and replayed like anything else; who finds it there later
/// is told that it is over.
async fn cancelled_and_replayed(
    cluster: &Cluster,
    services: &Server,
    (mut with, mut without): (Server, Server),
    clip: &Path,
) {
    without.stop();
    let video = services.upload_file(clip).await;
    services.until_job(&video, is_chunk).await;
    with.stop();
    let _without = cluster.worker("without").await;
    until_others_are_done(services, &video).await;
    let lies = |job: &Value| is_chunk(job) && job["state"] == "dispatched";
    let job = services.until_job(&video, lies).await["id"].as_str().unwrap().to_owned();
    let (code, why) = services.kinora(&["jobs", "why", &job]).await;
    let because = why[0]["because"].to_string();
    assert_eq!(code, 0);
    assert!(because.contains("workers that have a graphics processor (fake)"), "{because}");

    assert_eq!(services.kinora(&["jobs", "cancel", &video]).await.0, 0);
    assert_eq!(services.wait_until_over(&video).await["state"], "failed");
    assert_eq!(services.kinora(&["jobs", "replay", &job]).await.0, 0);
    let ready = services.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let with = with_device(cluster).await;
    with.until_logged("the job was cancelled", 1).await;
    let (code, purged) = services.kinora(&["jobs", "purge"]).await;
    assert_eq!((code, &purged[0]["purged"]), (0, &0.into()));
    assert_eq!(services.wait_until_over(&video).await["state"], "ready");
}
