//! What this host's kernel keeps children from, looked at once, when the worker starts.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail, ensure};
use kinora_plan::sandbox::{Enforcement, SandboxMode, SandboxReport};

use crate::{WorkerConfig, child::environment};

/// The first check of an installation also teaches GStreamer its plugins, which takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Has a child try to leave its sandbox, and says aloud what is missing. It also fills the cache of
/// GStreamer's plugins at `registry`, which jobs' children can only read. Whether the kernel fences
/// their files.
///
/// # Errors
/// In mode `required`, when anything is missing or the check could not be made.
pub(crate) async fn check(config: &WorkerConfig, registry: &Path) -> anyhow::Result<bool> {
    let report = match ask(config, registry).await {
        Ok(report) => report,
        Err(error) if config.sandbox == SandboxMode::Required => return Err(error),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "the sandbox of encoders was not checked");
            return Ok(false);
        }
    };
    let summary = report.summary();
    let fenced = report.landlock != Enforcement::None;
    if report.is_whole() {
        tracing::info!(sandbox = summary, "encoders are sandboxed");
        return Ok(fenced);
    }
    if config.sandbox == SandboxMode::Required {
        bail!(
            "encoders cannot be sandboxed as worker.sandbox = \"required\" asks: {summary}; use a \
             kernel with Landlock and seccomp, or set it to \"auto\""
        );
    }
    tracing::warn!(
        sandbox = summary,
        "encoders are NOT fully sandboxed: a file that takes one over could reach more than its job"
    );
    Ok(fenced)
}

async fn ask(config: &WorkerConfig, registry: &Path) -> anyhow::Result<SandboxReport> {
    let mut command = environment(&config.encoder, registry);
    command
        .args(["sandbox-check", "--json", "--sandbox", config.sandbox.as_str()])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.context("the encoder's sandbox-check does not end")?;
    let output = output.context("start the encoder's sandbox-check")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.stdout.is_empty(), "the encoder's sandbox-check: {}", words.trim());
    serde_json::from_slice(&output.stdout).context("the answer of the encoder's sandbox-check")
}
