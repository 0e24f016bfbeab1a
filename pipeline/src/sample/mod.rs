//! A generated clip to try things with.

/// What `kinora-encoder sample` takes.
#[derive(Debug, clap::Args)]
pub struct SampleArgs {}

/// Generates a clip.
pub fn run(_args: &SampleArgs) -> anyhow::Result<()> {
    anyhow::bail!("samples are being written")
}
