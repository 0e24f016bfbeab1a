//! The gateway and its services as processes of their own: they know each other, and nobody else.

use std::time::Duration;

use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::Value;

use crate::{
    bound::{ONE_PROXY, services_apart_know_who_asks},
    support::{Apart, Cluster, SERVICES_SECRET, Server, sample, text, variants},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_video_goes_through_processes_that_know_each_other_and_nobody_else() {
    let cluster = Cluster::start().await;
    let origin = cluster.origin().await;
    let mut apart = cluster.apart(&origin).await;
    let _worker = cluster.worker("alone").await;
    let gateway = &apart.gateway;
    let folder = tempfile::tempdir().unwrap();
    let clip = std::fs::read(sample(folder.path(), &["--seconds", "12", "--size", "320x180"]));
    let clip = clip.unwrap();

    // In two pieces, and the catalogue is killed in between.
    let created = gateway.create_upload("clip.mp4", clip.len() as u64).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let header = |name| created.headers()[name].to_str().unwrap().to_owned();
    let (video, upload) = (header("Kinora-Video"), header("Location"));
    let (first, second) = clip.split_at(clip.len() / 2);
    let patched = gateway.patch(&upload, 0, first.to_vec()).await;
    assert_eq!(patched.status(), StatusCode::NO_CONTENT);
    apart.catalogue.crash();
    let refused = gateway.patch(&upload, first.len() as u64, second.to_vec()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(RETRY_AFTER));
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "unavailable");
    apart.catalogue.start_after_a_crash().await;
    let patched = gateway.patch(&upload, first.len() as u64, second.to_vec()).await;
    assert_eq!(patched.status(), StatusCode::NO_CONTENT);

    // A stream of events, which the end of the gateway ends rather than is held up by.
    let mut events = events_of(gateway, &video).await;
    let event = events.chunk().await.unwrap().unwrap();
    assert!(event.starts_with(b"event: progress"), "{event:?}");
    let (_, ended) = apart.gateway.stop();
    assert!(ended.success(), "{ended}");
    while events.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
    apart.gateway.set(ONE_PROXY.0, ONE_PROXY.1);
    apart.gateway.start_again().await;
    let gateway = &apart.gateway;

    let ready = gateway.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let watch = ready["playback"]["watch_url"].as_str().unwrap();
    assert!(watch.starts_with(&gateway.gateway), "{watch}: people are sent to the gateway");
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    assert!(!variants(&text(url).await, url).is_empty());

    services_apart_know_who_asks(gateway, &video).await;
    only_the_gateway_is_answered(&apart.catalogue, "/api/v1/videos", gateway).await;
    only_the_gateway_is_answered(&apart.transcoding, "/api/v1/jobs", gateway).await;
    strangers_stay_outside(gateway, &cluster).await;
    secrets_are_replaced(&apart, &cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_orchestrator_goes_on_alone_and_there_is_one_catalogue() {
    let cluster = Cluster::start().await;
    let origin = cluster.origin().await;
    let mut apart = cluster.apart(&origin).await;
    let _replica = cluster.transcoding("127.0.0.1:0").await;
    let _worker = cluster.worker("alone").await;
    let gateway = &apart.gateway;
    let folder = tempfile::tempdir().unwrap();
    let video = gateway.upload_file(&sample(folder.path(), &["--seconds", "20"])).await;
    gateway.until_jobs_are_done(&video, 2).await;
    apart.transcoding.crash();
    let refused = cluster.refused("catalogue-command,catalogue-query", &apart.gateway).await;
    assert!(refused.contains("another process is the catalogue"), "{refused}");
    let over = ["ready", "failed"];
    let ready = apart.gateway.wait_for(&video, &over, Duration::from_secs(240)).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    apart.transcoding.start_after_a_crash().await;
    apart.gateway.wait_until_over(&video).await;
    let jobs = apart.gateway.jobs(&video).await;
    assert!(jobs.iter().all(|job| job["state"] == "done"), "{jobs:#?}");
}

/// A stream of a video's progress, once transcoding has heard of it.
async fn events_of(gateway: &Server, video: &str) -> reqwest::Response {
    let path = format!("/api/v1/videos/{video}/progress/events");
    loop {
        let answer = gateway.request(Method::GET, &path).send().await.unwrap();
        if answer.status() == StatusCode::OK {
            assert_eq!(answer.headers()[CONTENT_TYPE], "text/event-stream");
            return answer;
        }
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn only_the_gateway_is_answered(service: &Server, path: &str, gateway: &Server) {
    let address = format!("{}{path}", service.services);
    let client = reqwest::Client::new();
    let code = async |request: reqwest::RequestBuilder| {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        answer.json::<Value>().await.unwrap()["code"].clone()
    };
    assert_eq!(code(client.get(&address)).await, "not_of_the_cluster");
    // Keys of people open the gateway alone.
    let key = client.get(&address).bearer_auth(gateway.key());
    assert_eq!(code(key).await, "not_of_the_cluster");
    let token = client.get(&address).header("Kinora-Cluster-Token", "0a0b0c0d0e0f.e30.AAAA");
    assert_eq!(code(token).await, "not_of_the_cluster");
    let health = client.get(format!("{}/healthz", service.services)).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    assert!(!service.data().join("admin.key").exists());
}

async fn strangers_stay_outside(gateway: &Server, cluster: &Cluster) {
    let client = reqwest::Client::new();
    let address = format!("{}/api/v1/videos", gateway.gateway);
    for request in [client.get(&address), client.get(&address).bearer_auth("kin_wrong")] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    // Nor can they bring a token along that the gateway would hand on.
    let forged = client.get(&address).header("Kinora-Cluster-Token", "0a0b0c0d0e0f.e30.AAAA");
    assert_eq!(forged.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let document = gateway.get("/api/v1/openapi.json").await;
    let whole = Server::start().await.get("/api/v1/openapi.json").await;
    assert_eq!(document, whole, "one document, however many processes answer");
    // The gateway was told of no database, no broker and no bucket.
    let environment = std::fs::read(format!("/proc/{}/environ", gateway.pid())).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    let database = kinora_testing::Postgres::url_at(cluster.to_postgres.address());
    for secret in ["KINORA_STORE_", "KINORA_QUEUE_", "KINORA_DATABASE_", &database] {
        assert!(!environment.contains(secret), "{secret}");
    }
}

/// One after the other, as hosts are changed, and nobody is turned away meanwhile.
async fn secrets_are_replaced(apart: &Apart, cluster: &Cluster) {
    let Apart { gateway, catalogue, transcoding } = apart;
    let (old, new) = (SERVICES_SECRET, "another secret for the gateway and services");
    let answers = async || {
        for path in ["/api/v1/videos", "/api/v1/jobs"] {
            gateway.get(path).await;
        }
    };
    for lines in [[old, new].join("\n"), [new, old].join("\n"), new.to_owned()] {
        std::fs::write(&cluster.services_key, lines).unwrap();
        for process in [transcoding, gateway, catalogue] {
            process.read_again().await;
            answers().await;
        }
    }
    // Who was not told is a stranger now.
    std::fs::write(&cluster.services_key, old).unwrap();
    gateway.read_again().await;
    let refused = gateway.request(Method::GET, "/api/v1/videos").send().await.unwrap();
    assert!(!refused.status().is_success(), "{refused:?}");
    std::fs::write(&cluster.services_key, new).unwrap();
    gateway.read_again().await;
    answers().await;
    let events = gateway.get("/api/v1/asyncapi.json").await;
    assert_eq!(events["channels"]["video.ready"]["address"], "transcoding.video.ready");
}
