//! The binary `kinora-encoder`: one task, one process, one answer.
//!
//! Exit codes: 0 the task is done, 1 the last message says why not, 2 wrong usage. Anything else
//! is a crash.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use kinora_pipeline::{
    PipelineError, analyse, audio,
    child::{Limits, Memory, Reporter, watch_source},
    chunk,
    gpu::{self, DoctorArgs, ProveArgs},
    live, pictures, probe, sample,
    sandbox::{self, Grants},
    source::Source,
    text,
};
use kinora_plan::{
    encoder::{EncoderSpec, Outcome},
    sandbox::SandboxMode,
};
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
    Chunk(Chunk),
    /// Encode one soundtrack
    Audio(Task),
    /// Encode samples and judge them
    Analyse(Task),
    /// Try to leave the sandbox that tasks run in, and say what was refused
    SandboxCheck(sandbox::CheckArgs),
    /// Say what this host can encode with, proving each device with ten frames
    #[command(after_help = "Exit codes: 0 all that GStreamer offers works, 1 something does not, \
                            2 the host could not be examined.")]
    Doctor(DoctorArgs),
    /// Prove one device
    #[command(hide = true)]
    Prove(ProveArgs),
    /// Make the poster and the storyboard
    Pictures(Task),
    /// Make WebVTT of embedded subtitles
    Text(Task),
    /// Generate a clip to try things with
    Sample(sample::SampleArgs),
    /// Send an origin a live stream that shows when it was made
    #[command(
        after_help = "Exit codes: 0 it lasted as long as asked or was ended by Ctrl-C, 1 the \
                            last line says why not, 2 wrong usage."
    )]
    LiveTest(live::LiveTestArgs),
}

#[derive(Args)]
struct Chunk {
    #[command(flatten)]
    task: Task,
    /// Afterwards ask for other chunks of the title: on the socket, or with --file by lines of JSON
    /// on standard input
    #[arg(long)]
    series: bool,
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
    /// Landlock and seccomp: auto, required, off
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = sandbox::mode)]
    sandbox: SandboxMode,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")),
        )
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    let (task, series) = match Cli::parse().command {
        Command::Sample(args) => return ended(sample::run(&args)),
        Command::LiveTest(args) => return ended(live::run(&args)),
        Command::SandboxCheck(args) => return sandbox::run(&args),
        Command::Doctor(args) => return gpu::doctor(&args),
        Command::Prove(args) => return gpu::prove(&args),
        Command::Chunk(Chunk { task, series }) => (task, series),
        Command::Probe(task)
        | Command::Audio(task)
        | Command::Analyse(task)
        | Command::Pictures(task)
        | Command::Text(task) => (task, false),
    };
    let reporter = Reporter::stdout();
    // Without /proc the worker's own look at this process is all there is.
    let memory = task.memory_limit_mib.and_then(Memory::of_process);
    match work(&task, series, &reporter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = error.failure();
            reporter.failed(match memory {
                Some(memory) => memory.judge(failure),
                None => failure,
            });
            ExitCode::FAILURE
        }
    }
}

/// The task, and in a series others until there are no more or one fails.
fn work(task: &Task, series: bool, reporter: &Reporter) -> Result<(), PipelineError> {
    let (mut spec, source) = prepare(task, reporter)?;
    loop {
        reporter.done(run(&spec, &source, &mut reporter.clone())?);
        if !series {
            return Ok(());
        }
        let read = |error: io::Error| PipelineError::SourceRead(error.to_string());
        let Some(task) = source.next_task().map_err(read)? else { return Ok(()) };
        reporter.next_task();
        spec = next(&task, &spec)?;
    }
}

/// The next task of a series, which concerns the same source and the same folder: no other was
/// granted.
fn next(task: &[u8], before: &EncoderSpec) -> Result<EncoderSpec, PipelineError> {
    let next: EncoderSpec = serde_json::from_slice(task)
        .map_err(|error| PipelineError::Spec(format!("spec: {error}")))?;
    if next.source_size() != before.source_size() || Grants::of(&next) != Grants::of(before) {
        return Err(PipelineError::Spec("a series goes on with another source or folder".into()));
    }
    Ok(next)
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinora-encoder: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Limits first: everything after may meet hostile bytes. What the worker wrote is opened before the
/// sandbox is entered, GStreamer's plugins are loaded before it is sealed.
fn prepare(task: &Task, reporter: &Reporter) -> Result<(EncoderSpec, Source), PipelineError> {
    let spec_error = |error: anyhow::Error| PipelineError::Spec(format!("{error:#}"));
    Limits { memory_mib: task.memory_limit_mib }.apply().map_err(spec_error)?;
    let (spec, opened) = open(task).map_err(spec_error)?;
    let entered = sandbox::enter(task.sandbox, &Grants::of(&spec))?;
    let size = spec.source_size();
    let source = match opened {
        Opened::File(source) => source,
        Opened::Socket(socket) => {
            watch_source(&socket, reporter.clone()).map_err(spec_error)?;
            Source::socket(socket.into(), size)
        }
    };
    if source.size() != size {
        let found = source.size();
        let message = format!("the spec says {size} bytes, the source has {found}");
        return Err(PipelineError::Spec(message));
    }
    gstreamer::init().context("GStreamer").map_err(spec_error)?;
    sandbox::disarm();
    entered.seal()?;
    Ok((spec, source))
}

/// Where the source comes from.
enum Opened {
    File(Source),
    Socket(OwnedFd),
}

fn open(task: &Task) -> anyhow::Result<(EncoderSpec, Opened)> {
    let spec = File::open(&task.spec).context("spec file")?;
    let spec = serde_json::from_reader(io::BufReader::new(spec)).context("spec")?;
    let source = match &task.file {
        Some(path) => Opened::File(Source::file(path).context("source file")?),
        None => {
            let socket = io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
            Opened::Socket(socket)
        }
    };
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
        EncoderSpec::Analyse(spec) => analyse::run(spec, source, reporter).map(Outcome::Analysis),
        EncoderSpec::Pictures(spec) => pictures::run(spec, source, reporter).map(Outcome::Pictures),
        EncoderSpec::Text(spec) => text::run(spec, source, reporter).map(Outcome::Text),
    }
}
