//! What a request sends.

use bytes::Bytes;
use reqwest::Body;

use super::{file::Part, stamp::ContentMd5};

/// The body of a request, which may be sent more than once.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes of a file, which are read as they are sent.
    Part(Part),
}

impl Payload {
    /// Bytes.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Part(part) => part.length,
        }
    }

    /// As `Content-MD5` has it.
    pub(super) fn md5(&self) -> String {
        match self {
            Self::Bytes(bytes) => {
                let mut digest = ContentMd5::default();
                digest.update(bytes);
                digest.text()
            }
            Self::Part(part) => part.md5.clone(),
        }
    }

    /// For the HTTP client, which is to be told the length besides.
    pub(super) fn into_body(self) -> Body {
        match self {
            Self::Bytes(bytes) => bytes.into(),
            Self::Part(part) => Body::wrap_stream(part.pieces()),
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}
