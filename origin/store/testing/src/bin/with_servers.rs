//! `with-servers COMMAND …` runs a command beside a Postgres server of its own, which tests that
//! ask [`TestDatabase`](kinora_testing::TestDatabase) for a database then use.

use std::process::{Command, ExitCode};

use kinora_testing::{POSTGRES_VARIABLE, Postgres};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: with-servers COMMAND …");
        return ExitCode::from(2);
    };
    let postgres = Postgres::start_in_memory();
    let ended = Command::new(program).args(words).env(POSTGRES_VARIABLE, postgres.url()).status();
    // Killed with its folder before the process ends, which `exit` would not wait for.
    drop(postgres);
    match ended {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("with-servers: {error}");
            ExitCode::FAILURE
        }
    }
}
