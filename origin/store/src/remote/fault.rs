//! What can go wrong with a request, and what follows from it.

use std::io;

use crate::StoreError;

/// Why a try of a request brought nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// There is no connection: the server has seen nothing.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// No answer, or half of one: the server may have done what was asked.
    #[error("the answer was lost: {0}")]
    Lost(String),
    /// The server said no.
    #[error("the server answered {}", format!("{status} {code} {message}").trim_end())]
    Refused { status: u16, code: String, message: String },
    /// The answer is none that a store gives.
    #[error("the answer makes no sense: {0}")]
    Senseless(String),
    /// The bytes are not those that were written.
    #[error("{0}")]
    Corrupt(String),
    /// The file that is to be stored cannot be read.
    #[error("{0}")]
    File(#[from] io::Error),
}

/// Codes of refusals that mean "later", whatever their status.
const LATER: [&str; 6] = [
    "ConditionalRequestConflict",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
];
/// Codes of servers that have no room.
const FULL: [&str; 5] = [
    "EntityTooLargeForQuota",
    "InsufficientStorage",
    "QuotaExceeded",
    "StorageFull",
    "XMinioStorageFull",
];

impl Fault {
    /// Whether the same request may succeed later. Damage may have happened on the way.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Lost(_) | Self::Corrupt(_) => true,
            Self::Refused { status, code, .. } => {
                matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
                    || LATER.contains(&code.as_str())
            }
            Self::Senseless(_) | Self::File(_) => false,
        }
    }

    /// Whether a write may have happened all the same.
    pub(crate) fn leaves_open(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Senseless(_) => true,
            Self::Refused { status, .. } => matches!(status, 200 | 408 | 500 | 502 | 504),
            Self::Unreachable(_) | Self::Corrupt(_) | Self::File(_) => false,
        }
    }

    /// Whether the server said that there is no such thing.
    pub(crate) fn is_absent(&self) -> bool {
        // A look has no body that could say what is missing.
        matches!(self, Self::Refused { status: 404, code, .. }
            if code.is_empty() || code == "NoSuchKey" || code == "NoSuchUpload")
    }

    /// Whether the server said that the condition does not hold.
    pub(crate) fn is_condition(&self) -> bool {
        matches!(self, Self::Refused { status: 412, .. })
    }

    /// As the port has it.
    pub(crate) fn into_error(self, key: &str, action: &'static str) -> StoreError {
        let key = key.to_owned();
        match self {
            Self::Corrupt(what) => StoreError::Corrupt { key, what },
            Self::Refused { status: 507, .. } => StoreError::Full { key },
            Self::Refused { code, .. } if FULL.contains(&code.as_str()) => StoreError::Full { key },
            Self::File(source) => StoreError::Io { key, action, source },
            other => {
                let kind = match other.is_temporary() {
                    true => StoreError::LATER,
                    false => io::ErrorKind::Other,
                };
                StoreError::Io { key, action, source: io::Error::new(kind, other.to_string()) }
            }
        }
    }
}

/// A refusal, from its status and the XML that came with it, if any.
pub(crate) fn refused(status: u16, body: &str) -> Fault {
    let text = |name: &str| {
        let found =
            body.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once("</"));
        // It goes to logs.
        found.map_or("", |(text, _)| text).chars().filter(|c| !c.is_control()).take(200).collect()
    };
    Fault::Refused { status, code: text("Code"), message: text("Message") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_sorted_by_what_follows() {
        let xml =
            |code: &str| format!("<?xml?><Error><Code>{code}</Code><Message>m</Message></Error>");
        assert!(refused(503, &xml("SlowDown")).is_temporary());
        assert!(!refused(503, &xml("SlowDown")).leaves_open());
        assert!(refused(500, "").leaves_open());
        assert!(refused(409, &xml("ConditionalRequestConflict")).is_temporary());
        assert!(refused(400, &xml("RequestTimeout")).is_temporary());
        assert!(!refused(403, &xml("SignatureDoesNotMatch")).is_temporary());
        assert!(refused(404, &xml("NoSuchKey")).is_absent());
        assert!(!refused(404, &xml("NoSuchBucket")).is_absent());
        let full = refused(507, &xml("XMinioStorageFull")).into_error("a", "write");
        assert!(matches!(full, StoreError::Full { .. }));
        let said = refused(403, &xml("AccessDenied")).into_error("a/b", "write").to_string();
        assert_eq!(said, "a/b: write: the server answered 403 AccessDenied m");
        let bare = refused(503, "").into_error("a/b", "write").to_string();
        assert_eq!(bare, "a/b: write: the server answered 503");
    }
}
