//! The file being sent.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::fs::File;
use tokio::io::AsyncSeekExt;

use crate::{Error, Result};

/// A file that must not change while it is sent: half of one and half of another is neither.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl Source {
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        let metadata = tokio::fs::metadata(&path).await;
        let metadata = metadata.map_err(|cause| Error::Source { path: path.clone(), cause })?;
        Ok(Self { path, length: metadata.len(), modified: metadata.modified().ok() })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The file at `offset`, if it is still what it was when it was opened first.
    pub(super) async fn at(&self, offset: u64) -> Result<File> {
        self.seek(offset).await.map_err(|cause| Error::Source { path: self.path.clone(), cause })
    }

    async fn seek(&self, offset: u64) -> io::Result<File> {
        let mut file = File::open(&self.path).await?;
        let metadata = file.metadata().await?;
        if metadata.len() != self.length || metadata.modified().ok() != self.modified {
            return Err(io::Error::other("the file changed while it was being uploaded"));
        }
        file.seek(io::SeekFrom::Start(offset)).await?;
        Ok(file)
    }
}
