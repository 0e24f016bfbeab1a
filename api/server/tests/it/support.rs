//! A real kinorad on free ports with a data folder of its own, and the few calls tests make.

mod cli;
mod cluster;
pub(crate) mod film;
mod jobs;
mod process;
mod streams;
mod uploads;

use std::{
    ops::Not,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder};
use rustix::process::{Pid, Signal};
use serde_json::Value;

pub(crate) use cluster::{Apart, Cluster, SERVICES, SERVICES_SECRET};
pub(crate) use film::Film;
pub(crate) use streams::{ffprobe, rendition, segments, soundtracks, text, variants};

/// How often tests look again.
const POLL: Duration = Duration::from_millis(100);

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Of the process that serves: the child's, or that of its last successor.
    pid: u32,
    data: PathBuf,
    roles: String,
    settings: Vec<(String, String)>,
    http: reqwest::Client,
    /// Empty where it is none.
    pub(crate) gateway: String,
    /// Where a gateway elsewhere asks; empty where none does.
    pub(crate) services: String,
    /// Where media is.
    pub(crate) origin: String,
    key: String,
    // Last, so that the folder outlives the process.
    _folder: Option<tempfile::TempDir>,
}

impl Server {
    /// Starts a server on an empty data folder.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`Self::start`], with settings as environment variables.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_roles("all", settings).await
    }

    /// As [`Self::start_with`], one process of several.
    pub(crate) async fn start_roles(roles: &str, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::begin(data, roles, settings, Some(folder)).await
    }

    /// As [`Self::start_with`], on an existing folder that the caller owns.
    pub(crate) async fn start_on(
        data: PathBuf,
        settings: &[(&str, &str)],
        folder: Option<tempfile::TempDir>,
    ) -> Self {
        Self::begin(data, "all", settings, folder).await
    }

    async fn begin(
        data: PathBuf,
        roles: &str,
        settings: &[(&str, &str)],
        folder: Option<tempfile::TempDir>,
    ) -> Self {
        // A test may come first that builds a client before anyone chose the TLS provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings =
            settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
        let child = spawn(&data, roles, &settings);
        let mut server = Self {
            pid: child.id(),
            child,
            data,
            roles: roles.to_owned(),
            settings,
            http: reqwest::Client::new(),
            gateway: String::new(),
            services: String::new(),
            origin: String::new(),
            key: String::new(),
            _folder: folder,
        };
        server.wait_until_up().await;
        server
    }

    /// `kill -9`, then a new process on the same data.
    pub(crate) async fn crash_and_restart(&mut self) {
        self.crash();
        self.start_after_a_crash().await;
    }

    /// A new process on the data of one that was killed.
    pub(crate) async fn start_after_a_crash(&mut self) {
        // A killed process cannot take back what it announced.
        std::fs::remove_file(self.data.join("kinorad.json")).unwrap();
        self.start_again().await;
    }

    /// `kill -9`.
    pub(crate) fn crash(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, as a service manager or Ctrl-C stops it; how long it took and how it ended.
    pub(crate) fn stop(&mut self) -> (Duration, std::process::ExitStatus) {
        let asked = Instant::now();
        self.signal(Signal::TERM);
        let ended = self.child.wait().unwrap();
        (asked.elapsed(), ended)
    }

    /// A setting of the next process.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// A new process on the data of one that has stopped.
    pub(crate) async fn start_again(&mut self) {
        self.begin_again();
        self.wait_until_up().await;
    }

    /// The same, without waiting for it.
    pub(crate) fn begin_again(&mut self) {
        self.child = spawn(&self.data, &self.roles, &self.settings);
        self.pid = self.child.id();
    }

    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Asks it to read its configuration again, and waits until it has.
    pub(crate) async fn read_again(&self) {
        let read = || self.log().matches("SIGHUP: read the configuration again").count();
        let (before, asked) = (read(), Instant::now());
        self.hang_up();
        while read() == before {
            assert!(asked.elapsed() < Duration::from_secs(60), "it does not read:\n{}", self.log());
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks it to hand over to a successor.
    pub(crate) fn ask_to_hand_over(&self) {
        self.signal(Signal::USR2);
    }

    /// Asks it, and waits until the successor serves and the old process has ended.
    pub(crate) async fn hand_over(&mut self) {
        let (asked, old) = (Instant::now(), self.pid);
        self.ask_to_hand_over();
        loop {
            // Where a successor has to wait there is none for a while.
            let told = self.running().and_then(|running| running["pid"].as_u64());
            match told.and_then(|pid| u32::try_from(pid).ok()) {
                Some(pid) if pid != old && self.has_ended(old) => break self.pid = pid,
                _ => {}
            }
            assert!(asked.elapsed() < Duration::from_secs(60), "nobody took over from {old}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the log has in it, all processes' together.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("kinorad.log")).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid.cast_signed()).unwrap();
        let _ = rustix::process::kill_process(pid, signal);
    }

    /// Bytes that the process has in memory, shared ones too.
    pub(crate) fn resident(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// The most that it ever had.
    pub(crate) fn most_resident(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Whether the process is gone, but for what its parent may not have looked at yet.
    fn has_ended(&mut self, pid: u32) -> bool {
        if pid == self.child.id() {
            return self.child.try_wait().unwrap().is_some();
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
        status.is_ok_and(|text| !text.contains("\nState:\tZ")).not()
    }

    fn running(&self) -> Option<Value> {
        serde_json::from_slice(&std::fs::read(self.data.join("kinorad.json")).ok()?).ok()
    }

    /// The administrator's key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Where the server keeps everything.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) async fn wait_until_up(&mut self) {
        let started = Instant::now();
        let running = loop {
            assert!(started.elapsed() < Duration::from_secs(60), "kinorad did not start");
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "kinorad ended at once:\n{}", self.log());
            if let Some(running) = self.running() {
                break running;
            }
            tokio::time::sleep(POLL).await;
        };
        let address = |of: &str| running[of].as_str().unwrap_or_default().to_owned();
        (self.gateway, self.origin) = (address("gateway"), address("origin"));
        self.services = address("services");
        // Where there is no gateway nobody asks with a key.
        let key = std::fs::read_to_string(self.data.join("admin.key")).unwrap_or_default();
        self.key = key.trim().to_owned();
    }

    /// A request with the administrator's key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.gateway)).bearer_auth(&self.key)
    }

    /// A JSON answer that must be a success.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// The video once it is in one of `states`.
    pub(crate) async fn wait_for(&self, video: &str, states: &[&str], limit: Duration) -> Value {
        let started = Instant::now();
        loop {
            let found = self.get(&format!("/api/v1/videos/{video}")).await;
            let state = found["state"].as_str().unwrap();
            if states.contains(&state) {
                return found;
            }
            let over = state == "failed" || state == "ready";
            if over || started.elapsed() >= limit {
                let trouble = self.trouble(video).await;
                panic!("waiting for {states:?}: {found:#}\n{trouble}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The video once it is ready or failed; nothing is lost then.
    pub(crate) async fn wait_until_over(&self, video: &str) -> Value {
        let over = self.wait_for(video, &["ready", "failed"], Duration::from_secs(240)).await;
        crate::invariant::holds(self).await;
        over
    }

    /// What did not go straight: jobs that were tried again or failed, and the log's complaints.
    async fn trouble(&self, video: &str) -> String {
        let jobs = self.jobs(video).await.into_iter();
        let tried = jobs.filter(|job| job["attempt"] != 1 || !job["error"].is_null());
        let jobs: Vec<_> = tried.map(|job| job.to_string()).collect();
        let log = self.log();
        let complains = |line: &&str| line.contains("WARN") || line.contains("ERROR");
        let complaints: Vec<_> = log.lines().filter(complains).collect();
        format!("jobs tried again: {jobs:#?}\nthe log complains: {complaints:#?}")
    }

    /// The command lines of the server's encoders that still run.
    pub(crate) fn encoders(&self) -> Vec<String> {
        self.encoder_processes().into_iter().map(|(_, line)| line).collect()
    }

    /// The server's encoders that still run: process ids, and command lines split by NUL.
    pub(crate) fn encoder_processes(&self) -> Vec<(i32, String)> {
        let parent = format!("\nPPid:\t{}\n", self.pid);
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let children = processes.filter(|process| {
            let status = std::fs::read_to_string(process.path().join("status"));
            // A zombie has done its last work, and nobody may have looked yet.
            status.is_ok_and(|text| text.contains(&parent) && !text.contains("\nState:\tZ"))
        });
        let line = |process: std::fs::DirEntry| {
            let line = std::fs::read_to_string(process.path().join("cmdline")).ok()?;
            Some((process.file_name().to_str()?.parse().ok()?, line))
        };
        children.filter_map(line).filter(|(_, line)| line.contains("kinora-encoder")).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM first: workers must not leave children behind.
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(10) {
            if self.has_ended(self.pid) {
                return;
            }
            std::thread::sleep(POLL);
        }
        self.signal(Signal::KILL);
    }
}

/// A finished file of a test clip made by `kinora-encoder sample`.
pub(crate) fn sample(folder: &Path, flags: &[&str]) -> PathBuf {
    let file = folder.join("sample.mp4");
    let made = Command::new(binary("kinora-encoder"))
        .args(["sample", "--output"])
        .arg(&file)
        .args(flags)
        .status()
        .unwrap();
    assert!(made.success());
    file
}

/// Clips no one here made, or `None`, said aloud, where their folder is missing.
pub(crate) fn shared_media() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/media");
    let folder =
        std::env::var_os("KINORA_SHARED_MEDIA").map_or_else(|| default.into(), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no folder of real clips at {}", folder.display());
    None
}

fn spawn(data: &Path, roles: &str, settings: &[(String, String)]) -> Child {
    std::fs::create_dir_all(data).unwrap();
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(data.join("kinorad.log"))
        .unwrap();
    Command::new(env!("CARGO_BIN_EXE_kinorad"))
        .args(["serve", "--roles", roles])
        .current_dir(data)
        .env("KINORA_DATA_DIR", data)
        .env("KINORA_SERVER_LISTEN", "127.0.0.1:0")
        .env("KINORA_ORIGIN_LISTEN", "127.0.0.1:0")
        .envs(settings.iter().map(|(key, value)| (key, value)))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The video that `kinora upload --json` told of.
pub(crate) fn uploaded(stdout: &[u8]) -> String {
    let text = std::str::from_utf8(stdout).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    last["video"].as_str().or(last["id"].as_str()).unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// A program built beside kinorad.
pub(crate) fn binary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_kinorad")).with_file_name(name)
}
