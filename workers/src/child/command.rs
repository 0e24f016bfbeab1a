//! What a child may see: its task, its source, a folder of its own, and hardly any environment.

use std::{
    ffi::OsString,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::Stdio,
};

use kinora_plan::encoder::EncoderSpec;
use tokio::process::Command;

use crate::job::Job;

/// Variables a child inherits, beside `GST_*`.
const INHERITED: [&str; 4] = ["PATH", "LANG", "RUST_LOG", "RUST_BACKTRACE"];

/// The command for `spec`, with the child's end of the source socket as standard input.
pub(super) fn command(job: &Job, spec: &EncoderSpec, source: UnixStream) -> Command {
    let (host, scratch) = (&job.host, &job.scratch);
    let mut command = environment(&host.config.encoder, host.scratch.registry());
    command
        .arg(task(spec))
        .arg("--spec")
        .arg(scratch.spec())
        .arg("--memory-limit-mib")
        .arg(host.config.memory_limit_mib.to_string())
        .arg("--sandbox")
        .arg(host.config.sandbox.as_str())
        // It was brought up to date when the worker started, and a sandboxed child cannot.
        .env("GST_REGISTRY_UPDATE", "no")
        .env("HOME", scratch.home())
        .env("TMPDIR", scratch.home())
        .current_dir(scratch.home())
        .stdin(Stdio::from(OwnedFd::from(source)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// The encoder with no more of this process's environment than it needs, and the cache of
/// GStreamer's plugins at `registry`.
pub(crate) fn environment(encoder: &Path, registry: &Path) -> Command {
    let mut command = Command::new(encoder);
    command.env_clear().env("GST_REGISTRY", registry).envs(inherited());
    command
}

fn task(spec: &EncoderSpec) -> &'static str {
    match spec {
        EncoderSpec::Probe(_) => "probe",
        EncoderSpec::Chunk(_) => "chunk",
        EncoderSpec::Audio(_) => "audio",
        EncoderSpec::Analyse(_) => "analyse",
        EncoderSpec::Pictures(_) => "pictures",
        EncoderSpec::Text(_) => "text",
    }
}

fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_inherited))
}

fn is_inherited(name: &str) -> bool {
    INHERITED.contains(&name) || name.starts_with("GST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_loader_tricks_are_not_inherited() {
        assert!(["PATH", "LANG", "GST_DEBUG"].into_iter().all(is_inherited));
        for name in ["KINORA_STORE_URL", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "HOME", "path"] {
            assert!(!is_inherited(name), "{name}");
        }
    }
}
