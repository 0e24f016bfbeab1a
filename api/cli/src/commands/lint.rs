//! `kinora lint`.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use kinora_packager::lint::{self, Severity};
use serde::Serialize;

use super::print_json;
use crate::failure::{Exit, Failure};
use crate::terminal::{format, style};

/// Playlists that are looked at, at most: a hostile one could name thousands.
const MAX_PLAYLISTS: usize = 1000;

#[derive(Debug, clap::Args)]
pub(crate) struct LintArgs {
    /// HLS playlists. Those that a multivariant playlist names are checked with it.
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Check only what is named here.
    #[arg(long)]
    alone: bool,
}

/// One finding, as `--json` prints it.
#[derive(Serialize)]
struct Told<'a> {
    file: String,
    line: usize,
    severity: &'static str,
    /// Of RFC 8216bis.
    clause: &'static str,
    message: &'a str,
}

pub(crate) fn run(args: LintArgs, json: bool) -> Result<(), Failure> {
    let (mut errors, mut warnings) = (0_usize, 0_usize);
    let mut known: BTreeSet<PathBuf> = BTreeSet::new();
    let mut waiting: Vec<PathBuf> = args.files.into_iter().rev().collect();
    while let Some(file) = waiting.pop() {
        if known.len() == MAX_PLAYLISTS || !known.insert(file.clone()) {
            continue;
        }
        let report = lint::playlist(&read(&file)?);
        for finding in &report.findings {
            match finding.severity {
                Severity::Error => errors += 1,
                Severity::Warning => warnings += 1,
            }
            tell(&file, finding, json)?;
        }
        if !args.alone {
            let named = report.playlists.iter().rev();
            waiting.extend(named.filter_map(|name| beside(&file, name)));
        }
    }
    let counted = format!("{} playlists, {errors} errors, {warnings} warnings", known.len());
    if errors > 0 {
        return Err(Failure::new(Exit::Failed, "lint", counted));
    }
    if !json {
        eprintln!("{} {counted}", style::good(style::marks().done));
    }
    Ok(())
}

fn tell(file: &Path, finding: &lint::Finding, json: bool) -> Result<(), Failure> {
    let lint::Finding { line, severity, clause, message } = finding;
    let (file, severity) = (file.display().to_string(), severity.as_str());
    if json {
        return Ok(print_json(&Told { file, line: *line, severity, clause, message })?);
    }
    let file = format::line(&file);
    let message = format::line(message);
    writeln!(io::stdout().lock(), "{file}:{line}: {severity}: {message} (RFC 8216bis {clause})")?;
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let unread = |error| Failure::usage(format!("{}: {error}", file.display()));
    let opened = std::fs::File::open(file).map_err(unread)?;
    let mut bytes = Vec::new();
    // One more than is looked at, so that a longer one is noticed.
    opened.take(lint::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unread)?;
    Ok(bytes)
}

/// A playlist that another names, where both are files: what lies on a server, or outside the
/// folder, is left out.
fn beside(file: &Path, name: &str) -> Option<PathBuf> {
    let name = name.split(['?', '#']).next().unwrap_or_default();
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
    if name.is_empty() || !plain || name.contains("://") {
        return None;
    }
    Some(file.parent().unwrap_or(Path::new("")).join(name))
}
