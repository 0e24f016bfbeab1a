//! What befalls the servers and the network that several processes share. Each ends with nothing
//! lost, nothing left behind and nothing made twice ([`crate::invariant`]).

mod broker;
mod clock;
mod database;
mod devices;
mod events;
mod late;
mod store;
mod tus;
mod upload;
mod worker;

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Cluster, Server, sample};

/// A cluster at work on nothing yet.
struct AtWork {
    cluster: Cluster,
    services: Server,
    first: Server,
    _second: Server,
    _origin: Server,
    folder: tempfile::TempDir,
}

impl AtWork {
    async fn start() -> Self {
        Self::on(Cluster::start().await).await
    }

    async fn on(cluster: Cluster) -> Self {
        Self::with(cluster, &[]).await
    }

    /// With further settings of the services.
    async fn with(cluster: Cluster, settings: &[(&str, &str)]) -> Self {
        let origin = cluster.origin().await;
        Self {
            services: cluster.services_with(&origin, settings).await,
            first: cluster.worker("first").await,
            _second: cluster.worker("second").await,
            _origin: origin,
            folder: tempfile::tempdir().unwrap(),
            cluster,
        }
    }

    /// A film of so many seconds.
    fn film(&self, seconds: u32) -> PathBuf {
        let seconds = seconds.to_string();
        sample(self.folder.path(), &["--seconds", &seconds, "--size", "320x180"])
    }

    /// Uploads a film of several chunks and waits until its first chunk is done.
    async fn begun(&self) -> String {
        let video = self.services.upload_file(&self.film(40)).await;
        self.services.until_jobs_are_done(&video, 2).await;
        video
    }

    /// Waits until the video is ready, with every job done; the jobs.
    async fn is_ready(&self, video: &str) -> Vec<Value> {
        let ready = self.services.wait_until_over(video).await;
        assert_eq!(ready["state"], "ready", "{ready:#}");
        let jobs = self.services.jobs(video).await;
        assert!(jobs.iter().all(|job| job["state"] == "done"), "{jobs:#?}");
        jobs
    }
}

/// How often jobs were begun anew, all of them together.
fn repeats(jobs: &[Value]) -> u64 {
    jobs.iter().map(|job| job["attempt"].as_u64().unwrap() - 1).sum()
}
