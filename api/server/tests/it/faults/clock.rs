//! Hosts whose clocks are an hour off, by libfaketime.

use kinora_testing::wrong_clock;
use serde_json::Value;

use crate::support::{Cluster, Server, sample, text, variants};

/// A process on a host whose clock is off.
async fn off(cluster: &Cluster, roles: &str, by: &str, settings: &[(&str, &str)]) -> Server {
    let clock = wrong_clock(by);
    let mut all: Vec<_> = clock.iter().map(|(name, value)| (*name, value.as_str())).collect();
    all.extend(settings);
    cluster.process(roles, &all).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_are_an_hour_off_cost_no_lease_and_close_no_address() {
    let cluster = Cluster::start().await;
    let origin = off(&cluster, "origin", "+1h", &[]).await;
    let here = [
        ("KINORA_SERVICES_LISTEN", "127.0.0.1:0"),
        ("KINORA_ORIGIN_PUBLIC_URL", &*origin.origin),
        ("KINORA_SERVER_PUBLIC_URL", "http://gateway.test"),
    ];
    let catalogue = cluster.process("catalogue-command,catalogue-query", &here).await;
    // Long enough for any machine: no lease runs out but by a clock.
    let settings = [
        ("KINORA_TRANSCODING_LEASE_MS", "300000"),
        ("KINORA_TRANSCODING_MAX_IN_FLIGHT", "4"),
        here[0],
    ];
    let transcoding = cluster.process("transcoding", &settings).await;
    let _ahead = off(&cluster, "transcoding", "+1h", &settings).await;
    let _behind = off(&cluster, "transcoding", "-1h", &settings).await;
    let before = [
        ("KINORA_SERVICES_CATALOGUE_URL", &*catalogue.services),
        ("KINORA_SERVICES_TRANSCODING_URL", &transcoding.services),
        ("KINORA_ORIGIN_PUBLIC_URL", &origin.origin),
    ];
    let ahead = off(&cluster, "gateway", "+1h", &before).await;
    let behind = off(&cluster, "gateway", "-1h", &before).await;
    let mut workers = Vec::new();
    for (name, by) in [("ahead", "+1h"), ("behind", "-1h")] {
        let settings = [("KINORA_WORKER_NAME", name), ("KINORA_WORKER_SLOTS", "1")];
        workers.push(off(&cluster, "worker", by, &settings).await);
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "30", "--size", "320x180"]);
    let video = ahead.upload_file(&clip).await;
    let ready = behind.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");

    let jobs = behind.jobs(&video).await;
    let straight = |job: &Value| job["attempt"] == 1 && job["state"] == "done";
    assert!(jobs.iter().all(straight), "a lease was taken for over: {jobs:#?}");
    for worker in &workers {
        let log = worker.log();
        let seen = log.contains("this host's clock is not the store's");
        assert!(seen, "its clock was right, or it did nothing:\n{log}");
    }
    // The address has a token, which this origin takes for an hour older than it is.
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    assert!(!variants(&text(url).await, url).is_empty());

    // The other way round, with bytes that are sent as they come.
    let clip = sample(folder.path(), &["--seconds", "2", "--size", "320x180"]);
    let video = behind.upload_file(&clip).await;
    let ready = ahead.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    for gateway in [&ahead, &behind] {
        let log = gateway.log();
        let seen = log.contains("this host's clock is not the service's");
        assert!(seen, "its clock was right, or it asked nobody:\n{log}");
    }
}
