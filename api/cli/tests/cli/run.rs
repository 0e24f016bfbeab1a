//! Runs `kinora` in a home of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::fake::{Fake, KEY};

pub(crate) struct Home {
    folder: TempDir,
    server: String,
    key: String,
}

pub(crate) struct Run {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    pub(crate) fn new(server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, server: server.to_owned(), key: KEY.to_owned() }
    }

    pub(crate) async fn with_server() -> (Self, Fake) {
        let fake = Fake::start().await;
        (Self::new(&fake.url()), fake)
    }

    pub(crate) fn key(self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of so many bytes, no two stretches of it alike.
    pub(crate) fn file(&self, name: &str, length: usize) -> (PathBuf, Vec<u8>) {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 31 + i / 251) as u8).collect();
        let path = self.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        (path, bytes)
    }

    /// What is remembered of unfinished uploads.
    pub(crate) fn remembered(&self) -> Vec<Value> {
        let Ok(folder) = std::fs::read_dir(self.path().join("state/kinora/uploads")) else {
            return Vec::new();
        };
        let paths = folder.map(|entry| entry.unwrap().path());
        let entries = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
        entries.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
    }

    /// `kinora`, with nothing of this machine's user in its environment.
    pub(crate) fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("LANG", "C.UTF-8")
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.bare(args);
        command.env("KINORA_SERVER", &self.server).env("KINORA_API_KEY", &self.key);
        command.spawn().unwrap()
    }

    pub(crate) async fn run(&self, args: &[&str]) -> Run {
        Run::of(self.spawn(args)).await
    }
}

impl Run {
    pub(crate) async fn of(child: Child) -> Self {
        let output = child.wait_with_output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Self {
            exit: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "no terminal");
        run
    }

    /// Fails with all that was printed unless it ended so.
    #[track_caller]
    pub(crate) fn ended(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
