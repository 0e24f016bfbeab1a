//! What a write carries besides its bytes.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// SHA-256 of the object's bytes, hexadecimal.
pub(super) const SHA256: &str = "x-amz-meta-sha256";
/// Which write made the object.
pub(super) const WRITE: &str = "x-amz-meta-write";

/// A write's marks, which become the object's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    /// SHA-256 of all bytes, hexadecimal.
    pub(super) sha256: String,
    /// No other write has it.
    pub(super) write: String,
}

impl Stamp {
    /// Those of a new write of bytes with this hash.
    pub(super) fn new(hash: &[u8]) -> Self {
        Self { sha256: hex(hash), write: Uuid::now_v7().to_string() }
    }

    /// As the headers of a request.
    pub(super) fn headers(&self) -> [(&'static str, String); 2] {
        [(SHA256, self.sha256.clone()), (WRITE, self.write.clone())]
    }
}

/// SHA-256, hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What `Content-MD5` says of bytes (RFC 1864), which may come a piece at a time.
#[derive(Debug, Default)]
pub(super) struct ContentMd5(Md5);

impl ContentMd5 {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        md5::Digest::update(&mut self.0, bytes);
    }

    pub(super) fn text(self) -> String {
        STANDARD.encode(md5::Digest::finalize(self.0))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
