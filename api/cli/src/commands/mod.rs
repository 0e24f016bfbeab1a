//! One command a file.

pub(crate) mod admin;
pub(crate) mod completions;
pub(crate) mod jobs;
pub(crate) mod lint;
pub(crate) mod login;
pub(crate) mod package;
pub(crate) mod profiles;
pub(crate) mod upload;
pub(crate) mod videos;
pub(crate) mod watch;

use std::io::{self, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use crate::failure::Failure;

/// One JSON object on one line of stdout.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)
}

/// How many rows a listing asks for at once.
const MOST_A_PAGE: u32 = 100;
/// How many rows a listing shows where nobody says how many.
const MOST_SHOWN: u32 = 20;

/// The command that is meant where listing is what happens without one. Filters of the list before
/// another command would be passed over: that is wrong usage. clap's own check for it would refuse
/// global options there, too.
fn command_or_list<C, L>(
    command: Option<C>,
    list: L,
    is_given: fn(&L) -> bool,
    to_list: fn(L) -> C,
) -> Result<C, Failure> {
    match command {
        None => Ok(to_list(list)),
        Some(_) if is_given(&list) => {
            Err(Failure::usage("--state, --video and --limit go behind the command they are for"))
        }
        Some(command) => Ok(command),
    }
}

/// Takes the words of an enum of the API, and completes them.
fn one_of<T>(all: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let words = all.iter().map(move |value| word(*value));
    PossibleValuesParser::new(words).map(move |chosen| {
        *all.iter().find(|value| word(**value) == chosen).expect("only listed words get here")
    })
}
