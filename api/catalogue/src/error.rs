//! What can go wrong, and what is refused.

use std::{io, path::PathBuf};

use kinora_db::{Conflict, DbError};
use kinora_packager::text::TextError;
use kinora_plan::profile::UnknownProfile;
use kinora_queue::QueueError;
use kinora_store::StoreError;

use crate::model::UploadId;

/// Why an operation of the catalogue did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such video, or it is not the caller's.
    #[error("there is no such video")]
    NoVideo,
    /// There is no such upload, or it is not the caller's.
    #[error("there is no such upload")]
    NoUpload,
    /// The upload was terminated or expired, or its video was deleted.
    #[error("the upload is gone")]
    UploadGone,
    /// The video has its source already, or will never have one.
    #[error("the video takes no upload and no captions any more")]
    NotAwaitingUpload,
    /// Only a failed video is tried again.
    #[error("the video did not fail")]
    NotFailed,
    /// The video's upload was never whole.
    #[error("the video has no source to encode")]
    NoSource,
    /// The video has an unfinished upload already.
    #[error("the video is being uploaded as {0}")]
    UploadExists(UploadId),
    /// The account has too many unfinished uploads.
    #[error("more than {0} uploads at once")]
    TooManyUploads(u32),
    /// The account has too many videos on their way.
    #[error("{queued} videos are on their way already")]
    QueueFull {
        /// How many.
        queued: u64,
        /// When one of them is likely to be done, seconds.
        retry_after_s: u64,
    },
    /// The account would hold more than it may.
    #[error("the account holds {held} of {quota} bytes")]
    QuotaExceeded {
        /// What it may hold, bytes.
        quota: u64,
        /// What it holds, uploads under way counted whole.
        held: u64,
    },
    /// The account's videos last as long as they may.
    #[error("the account holds {held_ms} of {quota_ms} ms of media")]
    MediaExceeded {
        /// How long they may last.
        quota_ms: u64,
        /// How long they last.
        held_ms: u64,
    },
    /// The file would be longer than accepted.
    #[error("uploads are limited to {limit} bytes")]
    UploadTooLarge {
        /// The limit, bytes.
        limit: u64,
    },
    /// More bytes were sent than the upload was created for.
    #[error("the upload is {size} bytes long; more were sent")]
    OverLength {
        /// What it was created for, bytes.
        size: u64,
    },
    /// The bytes do not continue where the upload stands.
    #[error("the upload stands at {offset}")]
    OffsetMismatch {
        /// Where it stands.
        offset: u64,
    },
    /// The bytes are not those of which the checksum was sent. None of them is kept.
    #[error("the body is not what its checksum says; the upload stands at {offset}")]
    ChecksumMismatch {
        /// Where it stands.
        offset: u64,
    },
    /// Another request is writing to the upload.
    #[error("another request is writing to this upload")]
    UploadLocked,
    /// The body ended early, or was silent for too long. What arrived is kept.
    #[error("the body broke off; the upload stands at {offset}")]
    Interrupted {
        /// Where it stands.
        offset: u64,
    },
    /// This process is stopping. What arrived is kept.
    #[error("the server is stopping")]
    Stopping,
    /// The request's form is wrong.
    #[error("{0}")]
    Invalid(String),
    /// A value is not one that is accepted.
    #[error("{0}")]
    InvalidValue(String),
    /// There is no such profile.
    #[error(transparent)]
    NoProfile(#[from] UnknownProfile),
    /// The caption file is not what it says.
    #[error("captions: {0}")]
    Captions(#[from] TextError),
    /// The video has as many caption files as it may.
    #[error("more than {0} caption files")]
    TooManyCaptions(usize),
    /// The spool, the store or the database has no room.
    #[error("no room left: {0}")]
    Full(String),
    /// A spool file.
    #[error("{path}: {action}: {source}")]
    Spool {
        /// Which.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The object store.
    #[error(transparent)]
    Store(StoreError),
    /// The database.
    #[error(transparent)]
    Database(DbError),
    /// The event bus.
    #[error(transparent)]
    Bus(#[from] QueueError),
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        if error.is_full() { Self::Full(error.to_string()) } else { Self::Database(error) }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full { .. } => Self::Full(error.to_string()),
            _ => Self::Store(error),
        }
    }
}

impl Conflict for Error {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_conflict())
    }
}
