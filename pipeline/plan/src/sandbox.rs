//! What the kernel keeps a child from, as `kinora-encoder sandbox-check --json` says it.

use serde::{Deserialize, Serialize};

/// Whether children are asked to be sandboxed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// With all that the kernel has; what is missing is said aloud, once.
    #[default]
    Auto,
    /// No job runs where anything is missing.
    Required,
    /// Not at all: limits only.
    Off,
}

impl SandboxMode {
    /// Its word on command lines and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Required => "required",
            Self::Off => "off",
        }
    }
}

/// How much of one mechanism is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// All that is asked for.
    Full,
    /// The kernel knows an older form of it.
    Partial,
    /// Nothing.
    None,
}

/// What is in force, and what a child found it could not do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    /// Landlock: which files, which ports, which processes.
    pub landlock: Enforcement,
    /// Seccomp: which system calls.
    pub seccomp: Enforcement,
    /// Why something is missing, for people.
    pub missing: Vec<String>,
    /// What was tried.
    pub trials: Vec<SandboxTrial>,
}

/// One thing a sandboxed child tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxTrial {
    /// A stable word: `read_outside`, `internet`.
    pub what: String,
    /// Whether it must be refused; the others are what a child needs.
    pub forbidden: bool,
    /// What refused it; `None` if it worked.
    pub refused: Option<String>,
}

impl SandboxTrial {
    /// Whether it went as it must.
    pub fn holds(&self) -> bool {
        self.forbidden == self.refused.is_some()
    }
}

impl SandboxReport {
    /// Whether all that is asked for is in force and every trial went as it must.
    pub fn is_whole(&self) -> bool {
        self.landlock == Enforcement::Full
            && self.seccomp == Enforcement::Full
            && self.trials.iter().all(SandboxTrial::holds)
    }

    /// One line for logs: what is missing, and what a child could do because of it.
    pub fn summary(&self) -> String {
        if self.is_whole() {
            return "landlock and seccomp are in force".into();
        }
        let open: Vec<&str> = self
            .trials
            .iter()
            .filter(|trial| !trial.holds())
            .map(|trial| trial.what.as_str())
            .collect();
        let mut summary = match self.missing.is_empty() {
            true => "something is missing".to_owned(),
            false => self.missing.join("; "),
        };
        if !open.is_empty() {
            summary.push_str(&format!("; not as it must be: {}", open.join(", ")));
        }
        summary
    }
}
