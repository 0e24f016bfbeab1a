//! Objects in a bucket of a server that speaks S3.
//!
//! - A write carries what it wrote: the SHA-256 of its bytes and an id of its own, as metadata. The
//!   first judges what a read brings back; the second tells, after an answer was lost, whether the
//!   write happened.
//! - Conditions are S3's conditional writes, decided by the server. One that ignores them would lose
//!   updates without a word, so opening tries it out.
//! - Bytes travel with their MD5, which every S3 server checks before it answers.
//! - Requests are signed by the server's time, whatever this host's clock says.
//! - Files of more than a part travel in parts. An upload that does not end well is aborted, also
//!   when nobody waits for it any more.
//!
//! A method of [`requests::Requests`] is one request and what its answer means; [`remote`] decides how
//! often it is sent.

mod abandoned;
mod checks;
mod clock;
mod config;
mod file;
mod journal;
mod list;
mod multipart;
mod payload;
mod read;
mod requests;
mod stamp;
mod write;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};

pub use self::config::{S3Config, S3ConfigError, S3Credentials, S3Location, S3Timeouts};
use self::{journal::Journal, requests::Requests};
use crate::{
    ByteRange, Condition, Key, ObjectMeta, ObjectStore, Put, Retries, StoreError, Unfinished,
    remote::{self, Fault, Tried},
};

/// Objects in a bucket.
#[derive(Debug, Clone)]
pub struct S3Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    requests: Requests,
    retries: Retries,
    journal: Journal,
    /// Places for parts of files that are on their way.
    parts: Semaphore,
}

/// Parts of all files together that are on their way at once. They fill a network, and each has up to
/// half a MiB of buffers, which is no more however many files there are.
const PARTS_AT_ONCE: usize = 16;

impl S3Store {
    /// A store in the bucket that `config` names. Asks the server for nothing yet: see
    /// [`Self::check`]. Installs rustls' ring provider for the process unless it has one.
    ///
    /// # Errors
    /// When the endpoint and the bucket's name make no address.
    pub fn new(config: S3Config) -> Result<Self, S3ConfigError> {
        let (retries, journal) = (config.retries, Journal(config.journal.clone()));
        let (requests, parts) = (Requests::new(config)?, Semaphore::new(PARTS_AT_ONCE));
        Ok(Self(Arc::new(Inner { requests, retries, journal, parts })))
    }

    /// Sends a request as often as it takes.
    async fn run<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        key: &str,
        action: &'static str,
        request: impl Fn() -> F,
    ) -> Tried<T> {
        remote::run(&self.0.retries, key, action, request).await
    }

    fn requests(&self) -> &Requests {
        &self.0.requests
    }

    fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// Waits until a part may be sent.
    async fn place(&self) -> SemaphorePermit<'_> {
        self.0.parts.acquire().await.expect("nobody closes it")
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        let found = self.run(key.as_str(), "look", || self.requests().head(key)).await;
        Ok(found.done(key.as_str(), "look")?.map(|found| found.meta))
    }

    async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        let read = self.run(key.as_str(), "read", || self.requests().get(key)).await;
        read.done(key.as_str(), "read")
    }

    async fn get_range(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, StoreError> {
        let read = self.run(key.as_str(), "read", || self.requests().get_range(key, range)).await;
        read.done(key.as_str(), "read")
    }

    async fn put(&self, key: &Key, body: Bytes, condition: Condition) -> Result<Put, StoreError> {
        self.put_bytes(key, body, &condition).await
    }

    async fn put_file(
        &self,
        key: &Key,
        file: &Path,
        condition: Condition,
    ) -> Result<Put, StoreError> {
        let put = self.put_from_file(key, file, &condition).await?;
        if put != Put::ConditionFailed
            && let Err(error) = tokio::fs::remove_file(file).await
        {
            tracing::warn!(store.key = %key, %error, "the file that was put stays behind");
        }
        Ok(put)
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        // The answer to a removal does not say whether there was anything.
        if self.head(key).await?.is_none() {
            return Ok(false);
        }
        let removed = self.run(key.as_str(), "remove", || self.requests().delete(key)).await;
        removed.done(key.as_str(), "remove").map(|()| true)
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        self.list_objects(prefix, after, limit).await
    }

    async fn unfinished(&self) -> Result<Vec<Unfinished>, StoreError> {
        self.list_unfinished().await
    }

    async fn abort_unfinished(&self, begun_before_us: i64) -> Result<usize, StoreError> {
        self.abort_abandoned(begun_before_us).await
    }
}
