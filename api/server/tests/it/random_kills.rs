//! People upload while whatever can die dies, again and again, at moments nobody chose.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{process::Command, sync::watch, task::JoinHandle};

use crate::{
    invariant,
    support::{Cluster, Server, binary, sample, uploaded},
};

/// How long each of the uploaders rests after an upload.
const REST: Duration = Duration::from_secs(4);
/// How long all that was accepted may take once nobody is killed any more.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_in_two_minutes_of_kills() {
    kill_for(Duration::from_secs(120), 1).await;
}

/// `make soak` runs it. `KINORA_SOAK_SEED` chooses other moments, `KINORA_SOAK_KILL_SECONDS` how long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half an hour: make soak"]
async fn soak_of_kills() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = number("KINORA_SOAK_KILL_SECONDS").unwrap_or(1800);
    let seed = number("KINORA_SOAK_SEED").unwrap_or(1000);
    kill_for(Duration::from_secs(seconds), seed).await;
}

/// What can die.
struct Mortals {
    cluster: Cluster,
    services: Server,
    workers: [Server; 2],
    origin: Server,
}

impl Mortals {
    async fn start() -> Self {
        let cluster = Cluster::start().await;
        let origin = cluster.origin().await;
        Self {
            services: cluster.services(&origin).await,
            workers: [cluster.worker("first").await, cluster.worker("second").await],
            origin,
            cluster,
        }
    }

    /// `kill -9` for one of them, which comes back after `away`; who it was.
    async fn strike(&mut self, victim: usize, away: Duration) -> &'static str {
        let (name, server) = match victim {
            0 | 1 => ("a worker", &mut self.workers[victim]),
            2 => ("the services", &mut self.services),
            3 => ("the origin", &mut self.origin),
            4 => {
                self.cluster.broker.kill();
                tokio::time::sleep(away).await;
                self.cluster.broker.start_again();
                return "the broker";
            }
            _ => {
                self.cluster.postgres.kill();
                tokio::time::sleep(away).await;
                self.cluster.postgres.start_again();
                return "the database";
            }
        };
        server.crash();
        tokio::time::sleep(away).await;
        server.start_after_a_crash().await;
        name
    }
}

async fn kill_for(duration: Duration, seed: u64) {
    let mut mortals = Mortals::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "6", "--size", "320x180"]);
    let (over, until) = watch::channel(false);
    let uploaders: Vec<_> = (0..2)
        .map(|number| uploader(&mortals.services, folder.path(), number, &clip, until.clone()))
        .collect();

    let mut random = fastrand::Rng::with_seed(seed);
    let mut kills = Vec::new();
    let started = Instant::now();
    while started.elapsed() < duration {
        tokio::time::sleep(Duration::from_millis(random.u64(500..4000))).await;
        let (victim, away) = (random.usize(0..6), Duration::from_millis(random.u64(0..1500)));
        let at = started.elapsed();
        kills.push(format!("{:.1} s: {}", at.as_secs_f32(), mortals.strike(victim, away).await));
    }
    over.send_replace(true);
    let mut accepted = Vec::new();
    for uploader in uploaders {
        accepted.extend(uploader.await.unwrap());
    }

    eprintln!("seed {seed}, {} uploads accepted, kills: {kills:#?}", accepted.len());
    assert!(accepted.len() >= 2, "hardly anything was tried: {accepted:?}");
    let mut ready = 0;
    for video in &accepted {
        let found = ended(&mortals.services, video).await;
        ready += usize::from(found["state"] == "ready");
        // A chunk whose workers died too often is given up: with the reason, not in silence.
        let reason = found["reason"]["code"].as_str();
        assert!(found["state"] == "ready" || reason.is_some(), "{found:#}");
    }
    eprintln!("{ready} of {} are ready", accepted.len());
    assert!(ready * 10 >= accepted.len() * 9, "only {ready} of {} are ready", accepted.len());
    let asked = Instant::now();
    invariant::holds(&mortals.services).await;
    eprintln!(
        "nothing is lost, nor left behind: {:.1} s of looking",
        asked.elapsed().as_secs_f32()
    );
}

/// Somebody who uploads one film after another with the command line, which tries again by itself,
/// and runs it anew when it has given up; the videos whose every byte was acknowledged.
fn uploader(
    services: &Server,
    folder: &Path,
    number: usize,
    clip: &Path,
    over: watch::Receiver<bool>,
) -> JoinHandle<Vec<String>> {
    let home = folder.join(format!("home-{number}"));
    std::fs::create_dir(&home).unwrap();
    let mut command = Command::new(binary("kinora"));
    command
        .args(["upload", "--json", "--wait", "uploaded"])
        .arg(own_copy(clip, &home))
        .env("HOME", &home)
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env("KINORA_SERVER", &services.gateway)
        .env("KINORA_API_KEY", services.key())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    tokio::spawn(async move {
        let mut accepted = Vec::new();
        while !*over.borrow() {
            let output = command.output().await.unwrap();
            if output.status.success() {
                accepted.push(uploaded(&output.stdout));
                tokio::time::sleep(REST).await;
            } else {
                eprintln!("again: {}", String::from_utf8_lossy(&output.stderr).trim_end());
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        accepted
    })
}

fn own_copy(clip: &Path, home: &Path) -> PathBuf {
    let copy = home.join("film.mp4");
    std::fs::copy(clip, &copy).unwrap();
    copy
}

/// The video once it is ready or failed.
async fn ended(services: &Server, video: &str) -> Value {
    let started = Instant::now();
    loop {
        let found = services.get(&format!("/api/v1/videos/{video}")).await;
        if found["state"] == "ready" || found["state"] == "failed" {
            return found;
        }
        if started.elapsed() > PATIENCE {
            panic!("{found:#}\n{:#?}", services.jobs(video).await);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
