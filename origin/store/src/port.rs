//! The port.

use std::{fmt, path::Path};

use async_trait::async_trait;
use bytes::Bytes;

/// A store of immutable objects under slash-separated keys, with compare-and-swap.
#[async_trait]
pub trait ObjectStore: fmt::Debug + Send + Sync + 'static {
    /// What is known of an object, or `None` if there is none.
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError>;

    /// A whole object: for small ones (heads, pages, init segments, captions).
    async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError>;

    /// The bytes of `range` that exist: shorter, or empty, past the end.
    async fn get_range(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, StoreError>;

    /// Writes a whole object, durably, or nothing.
    async fn put(&self, key: &Key, body: Bytes, condition: Condition) -> Result<Put, StoreError>;

    /// Writes a file's bytes as an object, durably, or nothing. The file may be moved: it
    /// belongs to the store afterwards if the answer is [`Put::Stored`].
    async fn put_file(
        &self,
        key: &Key,
        file: &Path,
        condition: Condition,
    ) -> Result<Put, StoreError>;

    /// Removes an object; whether there was one.
    async fn delete(&self, key: &Key) -> Result<bool, StoreError>;

    /// At most `limit` objects whose keys begin with `prefix` (a folder: ends in `/`), in key
    /// order, after the key `after`.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError>;

    /// Writes that were begun and not ended, as far as they can be seen: on S3, uploads in parts.
    async fn unfinished(&self) -> Result<Vec<Unfinished>, StoreError> {
        Ok(Vec::new())
    }

    /// Gives up such writes that began before `begun_before_us`, microseconds since 1970 UTC; how
    /// many. It must lie further back than any write takes.
    async fn abort_unfinished(&self, begun_before_us: i64) -> Result<usize, StoreError> {
        let _ = begun_before_us;
        Ok(0)
    }
}

/// A write that was begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The object it was to make, as the store names it.
    pub key: String,
    /// When it began, microseconds since 1970 UTC.
    pub begun_at_us: i64,
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Where it lies.
    pub key: Key,
    /// Bytes.
    pub size: u64,
    /// Changes when the bytes do: a strong validator, without quotes.
    pub etag: String,
    /// When it was written, microseconds since 1970 UTC.
    pub modified_at_us: i64,
}

/// `length` bytes from `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

/// When a write may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Only where there is no object yet.
    Absent,
    /// Only over the object with this ETag.
    Matches(String),
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It happened; this is the new ETag.
    Stored {
        /// The new ETag.
        etag: String,
    },
    /// The condition did not hold; nothing changed.
    ConditionFailed,
}

/// Where an object lies: 1 to 512 bytes of `a-z A-Z 0-9 . _ - /`, no empty segment, and none
/// that begins with a dot, so no key leaves its store or names a temporary file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an object key: use a-z A-Z 0-9 . _ - in segments that do not begin with a dot"
)]
pub struct KeyError(String);

impl Key {
    /// Checks `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, KeyError> {
        let text = text.into();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let segment = |s: &str| !s.is_empty() && !s.starts_with('.') && s.bytes().all(allowed);
        if text.len() > 512 || !text.split('/').all(segment) {
            return Err(KeyError(text));
        }
        Ok(Self(text))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Key {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::new(text)
    }
}

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room: worth trying again once someone made some.
    #[error("{key}: the store is full")]
    Full {
        /// What was to be written.
        key: String,
    },
    /// Anything else the system said.
    #[error("{key}: {action}: {source}")]
    Io {
        /// The object.
        key: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Stored bytes are not those that were written.
    #[error("{key}: corrupt: {what}")]
    Corrupt {
        /// The object.
        key: String,
        /// How it shows.
        what: String,
    },
}

impl StoreError {
    /// The kind of what may go later.
    pub(crate) const LATER: std::io::ErrorKind = std::io::ErrorKind::TimedOut;

    /// Whether it was the network or a server that was not there for now.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == Self::LATER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_leave_the_store() {
        for bad in ["", "/", "a//b", "../a", "a/../b", "a/.tmp", "a\\b", "a b", "a/", "ä"] {
            assert!(Key::new(bad).is_err(), "{bad}");
        }
        assert!(Key::new("media/x/1/v1080/00007-2.m4s").is_ok());
    }
}
