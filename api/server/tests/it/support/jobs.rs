//! The jobs of a video.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{POLL, Server};

/// Longer than any job here takes, on a busy machine as well.
const PATIENCE: Duration = Duration::from_secs(120);

impl Server {
    /// Waits until so many of a video's jobs are done.
    pub(crate) async fn until_jobs_are_done(&self, video: &str, count: usize) {
        let since = Instant::now();
        while self.jobs_done(video).await < count {
            if since.elapsed() > PATIENCE {
                panic!("{:#?}", self.jobs(video).await);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// A job of the video that is so, once there is one.
    pub(crate) async fn until_job(&self, video: &str, is: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let jobs = self.jobs(video).await;
            if let Some(job) = jobs.iter().find(|job| is(job)) {
                return job.clone();
            }
            assert!(since.elapsed() < PATIENCE, "{jobs:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many of them are done.
    pub(crate) async fn jobs_done(&self, video: &str) -> usize {
        self.jobs(video).await.iter().filter(|job| job["state"] == "done").count()
    }

    /// Every job of a video.
    pub(crate) async fn jobs(&self, video: &str) -> Vec<Value> {
        let page = self.get(&format!("/api/v1/jobs?video={video}&limit=100")).await;
        page["items"].as_array().unwrap().clone()
    }
}
