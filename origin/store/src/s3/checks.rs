//! Whether the bucket can be used at all, asked once at start.

use std::io;

use bytes::Bytes;
use uuid::Uuid;

use super::S3Store;
use crate::{Condition, Key, ObjectStore, Put, StoreError};

impl S3Store {
    /// Writes and removes an object of its own, trying whether the server refuses writes whose
    /// condition does not hold: one that does not know conditional writes loses updates.
    ///
    /// # Errors
    /// When the bucket cannot be reached, read or written, or the server ignores conditions.
    pub async fn check(&self) -> Result<(), StoreError> {
        let key = Key::new(format!("check/{}", Uuid::now_v7()))
            .expect("a UUID is made of key characters");
        let checked = self.conditions_hold(&key).await;
        let removed = self.delete(&key).await;
        checked?;
        removed.map(|_| ())
    }

    async fn conditions_hold(&self, key: &Key) -> Result<(), StoreError> {
        let first = self.put(key, Bytes::from("1"), Condition::Absent).await?;
        let created = matches!(first, Put::Stored { .. });
        // No bytes have this MD5 that anybody knows of.
        let no_etag = Condition::Matches("0".repeat(32));
        let again = self.put(key, Bytes::from("2"), Condition::Absent).await?;
        let swapped = self.put(key, Bytes::from("3"), no_etag).await?;
        if created && again == Put::ConditionFailed && swapped == Put::ConditionFailed {
            return Ok(());
        }
        let what = "the server ignores If-None-Match or If-Match: use one with conditional writes";
        let source = io::Error::new(io::ErrorKind::Unsupported, what);
        Err(StoreError::Io { key: key.to_string(), action: "check", source })
    }
}
