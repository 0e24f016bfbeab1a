//! Sends a file to a reserved upload, whatever happens on the way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use super::body::{self, Meter};
use super::source::Source;
use crate::{Client, Error, Result, Retry};

const DEFAULT_CHUNK_BYTES: u64 = 32 << 20;

/// What an upload reports while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// The server has this many bytes for good.
    Safe {
        /// Bytes.
        offset: u64,
    },
    /// This many bytes were handed to the connection. Falls back after a fault.
    Sent {
        /// Bytes.
        offset: u64,
    },
    /// A fault that may pass; it goes on after `delay`.
    Waiting {
        /// What happened.
        cause: String,
        /// Until the next try.
        delay: Duration,
    },
}

type Observer = Arc<dyn Fn(Transfer) + Send + Sync>;

/// A resumable upload of one file.
#[derive(Clone)]
pub struct Uploader {
    client: Client,
    url: String,
    path: PathBuf,
    chunk_bytes: u64,
    retry: Retry,
    observer: Observer,
}

impl std::fmt::Debug for Uploader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uploader")
            .field("url", &self.url)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Uploader {
    /// Will send the file at `path` to the upload at `url` ([`super::Upload::url`]).
    pub fn new(client: &Client, url: &str, path: &Path) -> Self {
        Self {
            client: client.clone(),
            url: url.to_owned(),
            path: path.to_owned(),
            chunk_bytes: DEFAULT_CHUNK_BYTES,
            retry: Retry::TRANSFER,
            observer: Arc::new(|_| {}),
        }
    }

    /// Bytes a PATCH carries at most; 32 MiB unless set.
    #[must_use]
    pub fn chunk_bytes(self, chunk_bytes: u64) -> Self {
        Self { chunk_bytes: chunk_bytes.max(1), ..self }
    }

    /// How often to try again without a byte of progress.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Hears of every step. Called from the connection's task too: it must not block.
    #[must_use]
    pub fn on_transfer(self, observer: impl Fn(Transfer) + Send + Sync + 'static) -> Self {
        Self { observer: Arc::new(observer), ..self }
    }

    /// Sends what the server does not have yet, and ends when it has everything.
    ///
    /// # Errors
    /// [`Error::is_gone`] if the upload expired or was terminated, [`Error::Source`] if the file
    /// changed, [`Error::is_temporary`] once out of retries.
    pub async fn run(&self) -> Result<()> {
        let url = self.client.resolve(&self.url)?;
        let source = Source::open(&self.path).await?;
        let mut delays = self.retry.delays();
        let mut furthest = 0;
        let mut known = None;
        loop {
            match self.step(&url, &source, known).await {
                Ok(offset) => {
                    (self.observer)(Transfer::Safe { offset });
                    if offset == source.length() {
                        return Ok(());
                    }
                    if offset > furthest {
                        furthest = offset;
                        delays.start_over();
                    }
                    known = Some(offset);
                }
                Err(error) => {
                    let delay = delays.after(&error).filter(|_| may_pass(&error));
                    let Some(delay) = delay else { return Err(error) };
                    tracing::debug!(%error, ?delay, "upload interrupted");
                    (self.observer)(Transfer::Waiting { cause: error.to_string(), delay });
                    tokio::time::sleep(delay).await;
                    known = None;
                }
            }
        }
    }

    /// One request: asks where to go on, or goes on from there.
    async fn step(&self, url: &Url, source: &Source, known: Option<u64>) -> Result<u64> {
        let Some(offset) = known else {
            return self.client.upload_offset(url, source.length()).await;
        };
        let file = source.at(offset).await?;
        let length = self.chunk_bytes.min(source.length() - offset);
        let meter = Meter::default();
        let observer = Arc::clone(&self.observer);
        let sent = move |bytes| observer(Transfer::Sent { offset: offset + bytes });
        let body = body::chunk(file, length, meter.clone(), sent);
        tokio::select! {
            reached = self.client.upload_chunk(url, offset, length, body) => reached,
            error = meter.stalled() => Err(error),
        }
    }
}

/// 409 means that somebody was faster, or an answer was lost: the next HEAD tells.
fn may_pass(error: &Error) -> bool {
    error.is_temporary() || error.status() == Some(409)
}
