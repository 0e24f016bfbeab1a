//! Several processes on servers that they share, of which some die in the middle of the main job.

use std::time::Duration;

use kinora_testing::{ACCESS_KEY_ID, BUCKET, Postgres, RabbitMq, S3s, SECRET_ACCESS_KEY};

use crate::support::{Server, ffprobe, rendition, sample, soundtracks, text, variants};

const SERVICES: &str = "gateway,catalogue-command,catalogue-query,transcoding";

/// What every process is told.
struct Shared {
    postgres: Postgres,
    broker: RabbitMq,
    bucket: S3s,
    folder: tempfile::TempDir,
}

impl Shared {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "known to gateway and origins alone").unwrap();
        let (postgres, broker) = (Postgres::start_in_memory(), RabbitMq::start());
        Self { postgres, broker, bucket: S3s::start().await, folder }
    }

    async fn process(&self, roles: &str, settings: &[(&str, &str)]) -> Server {
        let key = self.folder.path().join("key");
        let (store, endpoint) =
            (format!("s3://{BUCKET}/kinora"), format!("http://{}", self.bucket.address()));
        let (broker, database) = (self.broker.url(), format!("{}/postgres", self.postgres.url()));
        let mut all = vec![
            ("KINORA_STORE_URL", &*store),
            ("KINORA_STORE_ENDPOINT", &endpoint),
            ("KINORA_STORE_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("KINORA_STORE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ];
        // Each is told what it needs and nothing else.
        if roles != "origin" {
            all.push(("KINORA_QUEUE_URL", &broker));
        }
        if roles != "worker" {
            all.push(("KINORA_PLAYBACK_KEY_FILE", key.to_str().unwrap()));
        }
        if roles == SERVICES {
            all.push(("KINORA_DATABASE_URL", &database));
        }
        all.extend(settings);
        Server::start_roles(roles, &all).await
    }

    async fn worker(&self, name: &str) -> Server {
        self.process("worker", &[("KINORA_WORKER_NAME", name), ("KINORA_WORKER_SLOTS", "1")]).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_video_is_ready_though_a_worker_the_broker_and_the_services_were_killed() {
    let mut shared = Shared::start().await;
    let origins = (shared.process("origin", &[]).await, shared.process("origin", &[]).await);
    let mut services = shared
        .process(
            SERVICES,
            &[
                ("KINORA_ORIGIN_PUBLIC_URL", &*origins.0.origin),
                ("KINORA_TRANSCODING_MAX_IN_FLIGHT", "4"),
                ("KINORA_TRANSCODING_LEASE_MS", "5000"),
            ],
        )
        .await;
    let (mut doomed, _other) = (shared.worker("doomed").await, shared.worker("other").await);
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "40", "--size", "640x360"]);
    let video = services.upload_file(&clip).await;
    until_done(&services, &video, 2).await;
    doomed.crash();
    shared.broker.kill();
    shared.broker.start_again();
    until_done(&services, &video, 5).await;
    services.crash_and_restart().await;

    let ready = services.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    let jobs = services.jobs(&video).await;
    assert!(jobs.iter().all(|job| job["state"] == "done"), "{jobs:#?}");
    let url = ready["playback"]["hls_url"].as_str().unwrap();
    assert!(url.starts_with(&origins.0.origin));
    // The other origin knows the same films and opens them to the same viewers.
    for url in [url.to_owned(), url.replace(&origins.0.origin, &origins.1.origin)] {
        let master = text(&url).await;
        let top = rendition(&variants(&master, &url).remove(0)).await;
        assert_eq!(ffprobe(&top, "stream=codec_name,nb_read_packets"), ["h264,1200"]);
        let sound = rendition(&soundtracks(&master, &url).remove(0)).await;
        assert_eq!(ffprobe(&sound, "stream=codec_name"), ["aac"]);
    }
}

/// Waits until so many jobs are done.
async fn until_done(services: &Server, video: &str, count: usize) {
    for _ in 0..1200 {
        let jobs = services.jobs(video).await;
        if jobs.iter().filter(|job| job["state"] == "done").count() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:#?}", services.jobs(video).await);
}
