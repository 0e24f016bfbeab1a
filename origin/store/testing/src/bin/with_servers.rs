//! Runs a command beside servers of its own, on loopback, which end with it.
//!
//! - `with-servers COMMAND …`: Postgres, which tests that ask
//!   [`TestDatabase`](kinora_testing::TestDatabase) for a database then use.
//! - `with-servers --cluster COMMAND …`: Postgres, RabbitMQ and S3, with kinorad's settings for
//!   them in the environment.

use std::{ffi::OsString, process::ExitCode};

use kinora_testing::{
    ACCESS_KEY_ID, BUCKET, Moto, POSTGRES_VARIABLE, Postgres, RabbitMq, SECRET_ACCESS_KEY,
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1).peekable();
    let cluster = words.next_if_eq(&OsString::from("--cluster")).is_some();
    let Some(program) = words.next() else {
        eprintln!("usage: with-servers [--cluster] COMMAND …");
        return ExitCode::from(2);
    };
    let mut command = Command::new(program);
    command.args(words);
    let ended = if cluster { on_cluster(command).await } else { on_postgres(command).await };
    ended.unwrap_or_else(|error| {
        eprintln!("with-servers: {error}");
        ExitCode::FAILURE
    })
}

async fn on_postgres(mut command: Command) -> std::io::Result<ExitCode> {
    let postgres = Postgres::start_in_memory();
    run(command.env(POSTGRES_VARIABLE, postgres.url())).await
}

async fn on_cluster(mut command: Command) -> std::io::Result<ExitCode> {
    let (postgres, broker, s3) = (Postgres::start(), RabbitMq::start(), Moto::start().await);
    command
        .env("KINORA_DATABASE_URL", format!("{}/postgres", postgres.url()))
        .env("KINORA_QUEUE_URL", broker.url())
        .env("KINORA_STORE_URL", format!("s3://{BUCKET}/kinora"))
        .env("KINORA_STORE_ENDPOINT", format!("http://{}", s3.address()))
        .env("KINORA_STORE_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("KINORA_STORE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    run(&mut command).await
}

/// Waits for the command, also after it was told to end: the servers must not go before it does.
async fn run(command: &mut Command) -> std::io::Result<ExitCode> {
    // Ctrl-C reaches the command by itself.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut child = command.spawn()?;
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    loop {
        tokio::select! {
            ended = child.wait() => {
                let code = ended?.code().and_then(|code| u8::try_from(code).ok());
                return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
            }
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                // An error means that it has ended.
                let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
            }
        }
    }
}
