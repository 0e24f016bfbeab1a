//! One request, found by one id in the logs of every process that had to do with it.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};

use crate::support::{Cluster, Server, sample};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Of the request that deletes the video.
const OTHER: &str = "0af7651916cd43dd8448eb211c80319c";
/// Logs what is said of requests and jobs, and what a worker's children say.
const FILTER: [(&str, &str); 2] = [
    ("KINORA_LOG_FILTER", "info,tower_http=debug,kinora_workers=debug,kinora_transcoding=debug"),
    ("RUST_LOG", "kinora_pipeline=debug"),
];

/// The lines of a log that have both texts.
fn lines(server: &Server, also: &str) -> usize {
    lines_of(server, TRACE, also)
}

fn lines_of(server: &Server, trace: &str, also: &str) -> usize {
    let log = server.log();
    log.lines().filter(|line| line.contains(trace) && line.contains(also)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_found_by_one_id_from_the_gateway_to_the_encoder() {
    let cluster = Cluster::start().await;
    let origin = cluster.origin().await;
    let mut apart = cluster.apart(&origin).await;
    for (name, value) in FILTER {
        apart.gateway.set(name, value);
        apart.catalogue.set(name, value);
        apart.transcoding.set(name, value);
    }
    for process in [&mut apart.gateway, &mut apart.catalogue, &mut apart.transcoding] {
        process.stop();
        process.start_again().await;
    }
    let settings = [("KINORA_WORKER_NAME", "alone"), ("KINORA_WORKER_SLOTS", "1")];
    let worker = cluster.process("worker", &[&settings[..], &FILTER].concat()).await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "4", "--size", "320x180"]);
    let clip = std::fs::read(clip).unwrap();
    let created = apart
        .gateway
        .request(Method::POST, "/api/v1/uploads")
        .header("Traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .header("Tus-Resumable", "1.0.0")
        .header("Upload-Length", clip.len())
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let header = |name| created.headers()[name].to_str().unwrap().to_owned();
    let (video, upload) = (header("Kinora-Video"), header("Location"));
    // What follows is of other requests; the video is the first one's.
    apart.gateway.patch(&upload, 0, clip).await;
    let ready = apart.gateway.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");

    let trace_id = format!("trace_id=\"{TRACE}\"");
    assert!(lines(&apart.gateway, "/api/v1/uploads") > 0, "{}", apart.gateway.log());
    assert!(lines(&apart.catalogue, "upload created") > 0, "{}", apart.catalogue.log());
    assert!(lines(&apart.transcoding, "is to be encoded") > 0, "{}", apart.transcoding.log());
    // Both a worker's report and the job it is of are of the trace.
    assert!(lines(&apart.transcoding, "a report came") > 1, "{}", apart.transcoding.log());
    assert!(lines(&worker, "the job is done") > 1, "{}", worker.log());
    assert!(lines(&worker, "encoder.line") > 0, "no line of a child: {}", worker.log());
    assert!(worker.log().contains(&trace_id), "{}", worker.log());
    for process in [&apart.gateway, &apart.catalogue] {
        assert_eq!(lines(process, "PATCH"), 0, "another request has a trace of its own");
    }

    let deleted = apart
        .gateway
        .request(Method::DELETE, &format!("/api/v1/videos/{video}"))
        .header("Traceparent", format!("00-{OTHER}-b7ad6b7169203331-01"))
        .send();
    assert_eq!(deleted.await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(lines_of(&apart.catalogue, OTHER, "video deleted") > 0, "{}", apart.catalogue.log());
    let since = Instant::now();
    while lines_of(&apart.transcoding, OTHER, "a video was deleted") == 0 {
        assert!(since.elapsed() < Duration::from_secs(60), "{}", apart.transcoding.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
