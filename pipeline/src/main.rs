//! The binary `kinora-encoder`: one task, one process, one answer.
//!
//! Exit codes: 0 the task is done, 1 the last message says why not, 2 wrong usage. Anything else
//! is a crash.

use std::{fs::File, io, os::fd::AsFd, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use kinora_pipeline::{
    PipelineError, audio,
    child::{Limits, Reporter, watch_source},
    chunk, probe, sample,
    source::Source,
};
use kinora_plan::encoder::{EncoderSpec, Outcome};
use tracing_subscriber::EnvFilter;

/// Probes, encodes and packages one piece of a video. Workers start it; people can, too.
#[derive(Parser)]
#[command(name = "kinora-encoder", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a source holds
    Probe(Task),
    /// Encode one chunk of the picture into every rung
    Chunk(Task),
    /// Encode one soundtrack
    Audio(Task),
    /// Generate a clip to try things with
    Sample(sample::SampleArgs),
}

#[derive(Args)]
struct Task {
    /// The task, as JSON
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    /// Read the source from this file instead of the socket on standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Address space this process may use
    #[arg(long, value_name = "N")]
    memory_limit_mib: Option<u64>,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")),
        )
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    let task = match Cli::parse().command {
        Command::Sample(args) => return generate(&args),
        Command::Probe(task) | Command::Chunk(task) | Command::Audio(task) => task,
    };
    let mut reporter = Reporter::stdout();
    let answer = prepare(&task, &reporter)
        .map_err(|error| PipelineError::Spec(format!("{error:#}")))
        .and_then(|(spec, source)| run(&spec, &source, &mut reporter));
    match answer {
        Ok(outcome) => {
            reporter.done(outcome);
            ExitCode::SUCCESS
        }
        Err(error) => {
            reporter.failed(error.failure());
            ExitCode::FAILURE
        }
    }
}

fn generate(args: &sample::SampleArgs) -> ExitCode {
    match sample::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinora-encoder: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Limits first: everything after may meet hostile bytes.
fn prepare(task: &Task, reporter: &Reporter) -> anyhow::Result<(EncoderSpec, Source)> {
    Limits { memory_mib: task.memory_limit_mib }.apply()?;
    let spec = File::open(&task.spec).context("spec file")?;
    let spec: EncoderSpec = serde_json::from_reader(io::BufReader::new(spec)).context("spec")?;
    let size = match &spec {
        EncoderSpec::Probe(spec) => spec.source_size,
        EncoderSpec::Chunk(spec) => spec.source_size,
        EncoderSpec::Audio(spec) => spec.source_size,
    };
    let source = match &task.file {
        Some(path) => Source::file(path).context("source file")?,
        None => {
            let socket = io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
            watch_source(&socket, reporter.clone())?;
            Source::socket(socket.into(), size)
        }
    };
    if source.size() != size {
        bail!("the spec says {size} bytes, the source has {}", source.size());
    }
    gstreamer::init().context("GStreamer")?;
    Ok((spec, source))
}

fn run(
    spec: &EncoderSpec,
    source: &Source,
    reporter: &mut Reporter,
) -> Result<Outcome, PipelineError> {
    match spec {
        EncoderSpec::Probe(spec) => {
            probe::run(spec, source, reporter).map(|report| Outcome::Probe(Box::new(report)))
        }
        EncoderSpec::Chunk(spec) => chunk::run(spec, source, reporter).map(Outcome::Chunk),
        EncoderSpec::Audio(spec) => audio::run(spec, source, reporter).map(Outcome::Audio),
    }
}
