//! Says what was found, and counts it.

use std::io::{self, Write};

use kinora_packager::lint::{Finding, Severity};
use serde::Serialize;

use super::place::Place;
use super::progress::Progress;
use crate::commands::print_json;
use crate::terminal::format;

/// One finding, as `--json` prints it.
#[derive(Serialize)]
struct Told<'a> {
    /// Path or address.
    file: String,
    line: usize,
    severity: &'static str,
    /// Of RFC 8216bis.
    clause: &'static str,
    message: &'a str,
}

/// What was found so far.
#[derive(Debug)]
pub(super) struct Teller {
    json: bool,
    pub(super) progress: Progress,
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

impl Teller {
    pub(super) fn new(json: bool) -> Self {
        Self { json, progress: Progress::begin(json), errors: 0, warnings: 0 }
    }

    pub(super) fn tell(&mut self, place: &Place, findings: &[Finding]) -> io::Result<()> {
        for finding in findings {
            match finding.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
            }
            self.progress.beside(|| write(place, finding, self.json))?;
        }
        Ok(())
    }
}

fn write(place: &Place, finding: &Finding, json: bool) -> io::Result<()> {
    let Finding { line, severity, clause, message } = finding;
    let (file, severity) = (place.to_string(), severity.as_str());
    if json {
        return print_json(&Told { file, line: *line, severity, clause, message });
    }
    let (file, message) = (format::line(&file), format::line(message));
    writeln!(io::stdout().lock(), "{file}:{line}: {severity}: {message} (RFC 8216bis {clause})")
}
