//! What can go wrong, sorted by what a caller can do about it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An RFC 9457 problem as the server sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable code, `snake_case`; empty when something between here and the server answered.
    #[serde(default)]
    pub code: String,
    /// What kind of problem it is.
    #[serde(default)]
    pub title: String,
    /// What went wrong this time.
    #[serde(default)]
    pub detail: String,
    /// Names the request in the server's log.
    #[serde(default)]
    pub request_id: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.title.as_str(), self.detail.as_str()) {
            ("", "") => write!(f, "HTTP status {}", self.status),
            (text, "") | ("", text) => f.write_str(text),
            (_, detail) => f.write_str(detail),
        }
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The base address or the key cannot be used; nothing was sent.
    #[error("{0}")]
    Setup(String),
    /// 401 or 403: another key is needed.
    #[error("{0}")]
    Auth(Box<Problem>),
    /// Another 4xx: the server refused this request, and would again.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// 5xx, 408, 423, 429: the server could not just now.
    #[error("{problem}")]
    Busy {
        /// What the server said.
        problem: Box<Problem>,
        /// When it asked to be tried again (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// No answer: not reachable, connection lost, or silent for too long.
    #[error("{cause}")]
    Unreachable {
        /// The innermost cause, such as "Connection refused".
        cause: String,
        /// What the HTTP client reported, where it did.
        source: Option<reqwest::Error>,
    },
    /// The answer is not what the API promises.
    #[error("unexpected answer of the server: {0}")]
    Protocol(String),
    /// The file to upload cannot be read, or changed underway.
    #[error("{}: {cause}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What happened to it.
        cause: std::io::Error,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unreachable { .. })
    }

    /// What the server said, if it said anything.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Auth(problem) | Self::Refused(problem) | Self::Busy { problem, .. } => {
                Some(problem)
            }
            _ => None,
        }
    }

    /// The problem's HTTP status.
    pub fn status(&self) -> Option<u16> {
        self.problem().map(|problem| problem.status)
    }

    /// The problem's stable code.
    pub fn code(&self) -> Option<&str> {
        self.problem().map(|problem| problem.code.as_str())
    }

    /// Whether there is no such thing, or no longer (404, 410).
    pub fn is_gone(&self) -> bool {
        matches!(self.status(), Some(404 | 410))
    }

    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Sorts a problem by its status.
    pub(crate) fn from_problem(problem: Problem, retry_after: Option<Duration>) -> Self {
        let problem = Box::new(problem);
        match problem.status {
            401 | 403 => Self::Auth(problem),
            408 | 423 | 429 | 500.. => Self::Busy { problem, retry_after },
            _ => Self::Refused(problem),
        }
    }

    pub(crate) fn silent(seconds: u64) -> Self {
        Self::Unreachable { cause: format!("no answer for {seconds} s"), source: None }
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        // Addresses may carry tokens: they must not reach a log through an error.
        let error = error.without_url();
        if error.is_builder() {
            return Self::Setup(root_cause(&error));
        }
        // Bodies are decoded by this crate, so what is left is a connection that failed or broke.
        let cause = if error.is_timeout() { "timed out".into() } else { root_cause(&error) };
        Self::Unreachable { cause, source: Some(error) }
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16) -> Error {
        let problem = Problem {
            status,
            code: "code".into(),
            title: "Title".into(),
            detail: "Detail.".into(),
            request_id: None,
        };
        Error::from_problem(problem, None)
    }

    #[test]
    fn statuses_are_sorted_by_what_a_caller_can_do() {
        assert!(matches!(of(401), Error::Auth(_)));
        assert!(matches!(of(403), Error::Auth(_)));
        for refused in [400, 404, 409, 410, 413, 415, 422] {
            assert!(matches!(of(refused), Error::Refused(_)), "{refused}");
        }
        for busy in [408, 423, 429, 500, 502, 503, 507] {
            assert!(of(busy).is_temporary(), "{busy}");
        }
        assert!(of(404).is_gone() && of(410).is_gone() && !of(409).is_gone());
    }

    #[test]
    fn a_problem_speaks_with_its_most_precise_words() {
        assert_eq!(of(422).to_string(), "Detail.");
        let bare = Problem {
            status: 502,
            code: String::new(),
            title: String::new(),
            detail: String::new(),
            request_id: None,
        };
        assert_eq!(bare.to_string(), "HTTP status 502");
    }
}
