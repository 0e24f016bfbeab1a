//! What stops a step of the orchestrator. Every step can be taken again.

use kinora_db::{Conflict, DbError};
use kinora_queue::QueueError;
use kinora_store::StoreError;

/// Why a step was not taken. Nothing is half done: what was not committed did not happen, and
/// what was committed is picked up again by a timer.
#[derive(Debug, thiserror::Error)]
pub enum TranscodingError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The queue or the event bus.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The object store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An index in the store that this version cannot read.
    #[error("the index of {video}/{version} is unreadable: {what}")]
    Index {
        /// Whose.
        video: kinora_media::VideoId,
        /// Which encode.
        version: u32,
        /// How it shows.
        what: String,
    },
}

impl From<sqlx::Error> for TranscodingError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Conflict for TranscodingError {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_conflict())
    }
}
