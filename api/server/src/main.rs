//! `kinorad`: the composition root, the only place that names adapters.
//!
//! `kinorad serve` runs every role in one process on embedded adapters: tables and queue in SQLite,
//! objects in files. Postgres, RabbitMQ and S3 may take their places; then each role may be a process
//! of its own. It links no GStreamer; workers start `kinora-encoder` as
//! a child.

mod backup;
mod config;
mod data_dir;
mod front;
mod handover;
mod leaving;
mod log;
mod metrics;
mod move_store;
mod players;
mod profiles;
mod queue;
mod reload;
mod roles;
mod serve;
mod services;
mod sockets;
mod store;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    config::{Config, Overrides},
    handover::Predecessor,
    reload::Reload,
    sockets::Sockets,
};

/// The Kinora server.
#[derive(Debug, Parser)]
#[command(name = "kinorad", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C; work in flight is handed back. SIGUSR2 starts the
    /// binary anew and hands it the listening sockets, so that no request is lost
    Serve(ServeArgs),
    /// Copy every object of one store into another and compare them: before `store.url` changes
    MoveStore(move_store::MoveArgs),
    /// Write the database to a file, as it is at one moment; kinorad may go on meanwhile. Objects are
    /// not in it, nor are the keys in the data folder
    Backup(backup::BackupArgs),
    /// Fill an empty database from such a file, and adopt what the store has besides
    Restore(backup::RestoreArgs),
    /// Print the configuration in force, secrets left out
    Config(Overrides),
    /// Print shell completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, clap::Args)]
struct ServeArgs {
    /// Roles to run; the embedded adapters need all of them in one process
    #[arg(long, value_delimiter = ',', default_value = "all")]
    roles: Vec<roles::Role>,
    #[command(flatten)]
    overrides: Overrides,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The one place where a failure to serve is told.
            eprintln!("kinorad: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(args) => {
            let config = Config::load(&args.overrides)?;
            let refilter = log::init(&config.log)?;
            let roles = roles::check(&args.roles, &config)?;
            let mut sockets = Sockets::from_environment()?;
            let predecessor = Predecessor::of(&mut sockets)?;
            let reload = Reload::new(args.overrides, config.clone(), refilter);
            let serve = serve::serve(config, roles, sockets, predecessor, reload);
            tokio::runtime::Runtime::new()?.block_on(serve)
        }
        Command::MoveStore(args) => {
            tokio::runtime::Runtime::new()?.block_on(move_store::move_store(&args))
        }
        Command::Backup(args) => tokio::runtime::Runtime::new()?.block_on(backup::backup(&args)),
        Command::Restore(args) => {
            let config = Config::load(&args.overrides)?;
            let _refilter = log::init(&config.log)?;
            tokio::runtime::Runtime::new()?.block_on(backup::restore(&config, &args))
        }
        Command::Config(overrides) => {
            print!("{}", Config::load(&overrides)?.to_toml()?);
            Ok(())
        }
        Command::Completions { shell } => {
            let mut command = <Cli as clap::CommandFactory>::command();
            clap_complete::generate(shell, &mut command, "kinorad", &mut std::io::stdout());
            Ok(())
        }
    }
}
