//! `kinora lint`.

use std::time::Duration;

use crate::failure::{Exit, Failure};
use crate::lint::{Job, lint};
use crate::terminal::style;

#[derive(Debug, clap::Args)]
pub(crate) struct LintArgs {
    /// HLS playlists. Those that a multivariant playlist names are checked with it.
    #[arg(required = true, value_name = "URL|FILE", value_hint = clap::ValueHint::FilePath)]
    playlists: Vec<String>,
    /// Check only what is named here.
    #[arg(long)]
    alone: bool,
    /// How long to read again what goes on, 0 for not at all [default: until it has grown].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=86_400))]
    watch: Option<u64>,
}

pub(crate) async fn run(args: LintArgs, json: bool) -> Result<(), Failure> {
    let LintArgs { playlists: names, alone, watch } = args;
    let job = Job { names, alone, watch: watch.map(Duration::from_secs), json };
    let counts = lint(&job).await?;
    let counted = format!(
        "{} playlists, {} errors, {} warnings",
        counts.playlists, counts.errors, counts.warnings
    );
    if counts.errors > 0 {
        return Err(Failure::new(Exit::Failed, "lint", counted));
    }
    if !json {
        eprintln!("{} {counted}", style::good(style::marks().done));
    }
    Ok(())
}
