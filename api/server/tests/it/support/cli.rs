//! The operator's command line.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::{Server, binary};

impl Server {
    /// Runs `kinora …` on this server: its exit code, and what it printed, line by line.
    pub(crate) async fn kinora(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(binary("kinora"))
            .args(args)
            .arg("--json")
            .env("HOME", home.path())
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env("KINORA_SERVER", &self.gateway)
            .env("KINORA_API_KEY", self.key())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code().unwrap(), lines)
    }
}
