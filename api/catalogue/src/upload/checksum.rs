//! The checksum of a PATCH (tus 1.0 "Checksum").

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// The algorithms, as `Tus-Checksum-Algorithm` lists them. SHA-1 is what the protocol requires.
pub(crate) const ALGORITHMS: &str = "sha1,sha256";

/// A checksum that a body is to have, and that of the bytes so far.
pub(crate) struct Checksum {
    expected: Vec<u8>,
    sum: Sum,
}

enum Sum {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// Reads the value of `Upload-Checksum`: an algorithm, a space, and the sum in base64.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not that.
    pub(crate) fn parse(header: &str) -> Result<Self, Error> {
        let (algorithm, sum) = header.split_once(' ').unwrap_or((header, ""));
        let bad = || {
            let form = "an algorithm, a space, and the sum in base64";
            Error::Invalid(format!("Upload-Checksum must be {form}; known are {ALGORITHMS}"))
        };
        let (computed, length) = match algorithm {
            "sha1" => (Sum::Sha1(Sha1::new()), 20),
            "sha256" => (Sum::Sha256(Sha256::new()), 32),
            _ => return Err(bad()),
        };
        let expected = STANDARD.decode(sum).map_err(|_| bad())?;
        if expected.len() != length {
            return Err(bad());
        }
        Ok(Self { expected, sum: computed })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.sum {
            Sum::Sha1(sum) => sum.update(bytes),
            Sum::Sha256(sum) => sum.update(bytes),
        }
    }

    /// Whether the bytes were those that were meant.
    pub(super) fn holds(self) -> bool {
        match self.sum {
            Sum::Sha1(sum) => sum.finalize()[..] == self.expected,
            Sum::Sha256(sum) => sum.finalize()[..] == self.expected,
        }
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksum").finish_non_exhaustive()
    }
}
