//! `kinora`: uploads videos to a Kinora server and shows what becomes of them.
//!
//! Results go to stdout (ids, tables, or one JSON object a line), everything else to stderr, and
//! the exit code says what a script should do next.

mod args;
mod commands;
mod failure;
mod follow;
mod lint;
mod package;
mod paths;
mod report;
mod session;
mod terminal;
mod upload;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use failure::{Exit, Failure};
use session::Session;
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    match run(cli).await {
        Ok(()) => Exit::Done.into(),
        Err(failure) => failure.tell(),
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    if let Command::Profiles(args) = &cli.command
        && let Some(file) = args.file_to_check()
    {
        return commands::profiles::check(file, cli.globals.json);
    }
    match cli.command {
        Command::Completions(args) => return commands::completions::run(&args),
        Command::Login => return commands::login::run(&cli.globals).await,
        Command::Lint(args) => return commands::lint::run(args, cli.globals.json).await,
        Command::Package(args) => return commands::package::run(args, cli.globals.json).await,
        _ => {}
    }
    let session = Session::open(&cli.globals)?;
    let done = match cli.command {
        Command::Upload(args) => commands::upload::run(&session, &args).await,
        Command::Videos(args) => commands::videos::run(&session, args).await,
        Command::Jobs(args) => commands::jobs::run(&session, args).await,
        Command::Profiles(args) => commands::profiles::run(&session, args).await,
        Command::Admin(args) => commands::admin::run(&session, args).await,
        Command::Watch(args) => commands::watch::run(&session, &args).await,
        Command::Completions(_) | Command::Login | Command::Lint(_) | Command::Package(_) => {
            unreachable!("served above")
        }
    };
    done.map_err(|failure| failure.at(session.server()))
}

/// `KINORA_LOG` takes the filters of `tracing`, such as `kinora_client=debug`.
fn log_to_stderr() {
    if let Ok(filter) = EnvFilter::try_from_env("KINORA_LOG") {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(terminal)
            .init();
    }
}
