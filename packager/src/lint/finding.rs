//! What is wrong, where, and by which clause.

/// Findings of a playlist, at most: who has more does not read them.
const MAX_FINDINGS: usize = 1000;

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Counted from 1.
    pub line: usize,
    /// How bad it is.
    pub severity: Severity,
    /// The clause of RFC 8216bis.
    pub clause: &'static str,
    /// What is wrong.
    pub message: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A MUST is broken.
    Error,
    /// A SHOULD is broken.
    Warning,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn error(&mut self, line: usize, clause: &'static str, what: impl Into<String>) {
        self.add(Severity::Error, line, clause, what.into());
    }

    pub(super) fn warning(&mut self, line: usize, clause: &'static str, what: impl Into<String>) {
        self.add(Severity::Warning, line, clause, what.into());
    }

    fn add(&mut self, severity: Severity, line: usize, clause: &'static str, message: String) {
        if self.0.len() < MAX_FINDINGS {
            self.0.push(Finding { line, severity, clause, message });
        }
    }

    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.0.sort();
        self.0
    }
}
