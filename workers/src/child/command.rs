//! What a child may see: its task, its source, a folder of its own, and hardly any environment.

use std::{
    ffi::OsString,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::Stdio,
};

use kinora_plan::{device::EncoderFamily, encoder::EncoderSpec};
use tokio::process::Command;

use crate::job::Job;

/// Variables a child inherits, beside `GST_*`; the last one is that of tests alone.
const INHERITED: [&str; 5] = ["PATH", "LANG", "RUST_LOG", "RUST_BACKTRACE", "KINORA_FAKE_GPU"];

/// How glibc's allocator keeps what was freed (mallopt(3)): one heap, never trimmed, that large blocks
/// come from, too. 32 MiB is the highest threshold there is.
const KEPT_HEAP: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_TRIM_THRESHOLD_", "4294967296"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
];

/// The command for `spec`, with the child's end of the source socket as standard input.
pub(super) fn command(job: &Job, spec: &EncoderSpec, source: UnixStream) -> Command {
    let (host, scratch) = (&job.host, &job.scratch);
    let mut command = environment(&host.config.encoder, host.scratch.registry());
    command
        .arg(task(spec))
        .arg("--spec")
        .arg(scratch.spec())
        .args(memory_limit(spec, host.config.memory_limit_mib))
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

/// Has the child ask for other chunks afterwards, in the memory it has: an allocator that gave it
/// back would have the kernel clear as much again, and with more arenas than one each chunk's
/// threads would fill another.
pub(super) fn in_series(command: &mut Command) {
    command.arg("--series").envs(KEPT_HEAP);
}

/// The encoder with no more of this process's environment than it needs, and the cache of
/// GStreamer's plugins at `registry`.
pub(crate) fn environment(encoder: &Path, registry: &Path) -> Command {
    let mut command = Command::new(encoder);
    command.env_clear().env("GST_REGISTRY", registry).envs(inherited());
    command
}

/// CUDA reserves addresses for all memory of host and device, however little it uses.
fn memory_limit(spec: &EncoderSpec, mib: u64) -> Vec<String> {
    let unlimited = match spec {
        EncoderSpec::Chunk(spec) => spec.encoder.family == EncoderFamily::Nvenc,
        _ => false,
    };
    match unlimited {
        true => vec![],
        false => vec!["--memory-limit-mib".into(), mib.to_string()],
    }
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
