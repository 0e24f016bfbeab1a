//! `kinora profiles`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kinora_plan::profile;
use serde_json::json;

use super::print_json;
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::terminal::table::{Cell, Table};
use crate::terminal::{format, style};

#[derive(Debug, clap::Args)]
pub(crate) struct ProfilesArgs {
    #[command(subcommand)]
    command: Option<ProfilesCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum ProfilesCommand {
    /// List what the server offers (the default).
    List,
    /// Print a profile's file.
    Show {
        /// Its name.
        name: String,
    },
    /// Say what is wrong with a file; needs no server.
    Check {
        /// The file.
        #[arg(value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
    },
}

impl ProfilesArgs {
    /// The file to check, if that is what is asked.
    pub(crate) fn file_to_check(&self) -> Option<&Path> {
        match &self.command {
            Some(ProfilesCommand::Check { file }) => Some(file),
            _ => None,
        }
    }
}

pub(crate) async fn run(session: &Session, args: ProfilesArgs) -> Result<(), Failure> {
    let profiles = session.client.profiles().await?;
    match args.command {
        Some(ProfilesCommand::Show { name }) => {
            let Some(profile) = profiles.iter().find(|profile| profile.name == name) else {
                let known: Vec<_> = profiles.iter().map(|it| it.name.as_str()).collect();
                let what = format!("there is no profile '{}'", format::line(&name));
                let help = format!("Choose one of {}.", known.join(", "));
                return Err(Failure::new(Exit::Failed, "unknown_profile", what).help(help));
            };
            if session.json {
                return Ok(print_json(profile)?);
            }
            write!(io::stdout().lock(), "{}", format::clean(&profile.toml))?;
        }
        Some(ProfilesCommand::Check { file }) => return check(&file, session.json),
        Some(ProfilesCommand::List) | None => {
            if session.json {
                return Ok(profiles.iter().try_for_each(print_json)?);
            }
            let mut table = Table::new(&["NAME", "DESCRIPTION", "FROM"], 1);
            for profile in &profiles {
                let from = if profile.built_in { "Kinora" } else { "this server" };
                let default = if profile.default { " (default)" } else { "" };
                table.row(vec![
                    Cell::new(format!("{}{default}", profile.name)),
                    Cell::new(&profile.description),
                    Cell::dim(from),
                ]);
            }
            table.print()?;
        }
    }
    Ok(())
}

/// Reads a file as a server would.
pub(crate) fn check(file: &Path, as_json: bool) -> Result<(), Failure> {
    let shown = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("cannot read {shown}: {error}")).help("Name a profile's file.")
    })?;
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let parsed = profile::Profile::parse(&shown, &text);
    if as_json {
        let faults = parsed.as_ref().err().into_iter().flat_map(|error| &error.faults);
        let faults: Vec<_> = faults
            .map(|fault| {
                json!({
                    "line": fault.line, "column": fault.column,
                    "key": fault.key, "message": fault.message,
                })
            })
            .collect();
        print_json(&json!({ "file": shown, "valid": faults.is_empty(), "faults": faults }))?;
    }
    let failed = match parsed {
        Ok(_) if !profile::is_profile_name(name) => Failure::new(
            Exit::Usage,
            "invalid_profile",
            format!("{shown}: this name cannot be used"),
        )
        .help("Call it by 1 to 64 small letters, digits, - and _, such as television.toml."),
        Ok(_) => {
            eprintln!("{} {shown} is a profile", style::good(style::marks().done));
            return Ok(());
        }
        Err(_) if as_json => Failure::told(Exit::Usage),
        Err(error) => Failure::new(Exit::Usage, "invalid_profile", error.to_string())
            .help("Every key is explained in `kinora profiles show default`."),
    };
    Err(failed)
}
