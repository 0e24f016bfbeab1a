//! Objects as files: key `media/x/head.json` is the file `media/x/head.json` under the root.
//!
//! - A write goes to a temporary file in the object's own folder, is flushed, and takes its name
//!   by a rename (or an exclusive one), so a reader sees a whole object or none.
//! - The condition is checked under a lock on the key that other processes honour too.
//! - The folder is flushed before a write is confirmed: what was confirmed survives power loss.
//! - Names that begin with a dot are ours: no key has such a segment.

mod etag;
mod folder;
mod list;
mod lock;
mod read;
mod write;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{ByteRange, Condition, Key, ObjectMeta, ObjectStore, Put, StoreError};

/// Objects as files under a folder.
#[derive(Debug, Clone)]
pub struct FsStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// Whether files carry their ETag as an extended attribute; else it lies beside them.
    attributes: bool,
    /// Held while a folder is looked for and made: who finds one finds it durable.
    folders: Mutex<()>,
    /// Says to other processes that this store is open; see [`lock`].
    _open: File,
}

impl FsStore {
    /// Opens the store under `root`, making the folder if need be, and removes what interrupted
    /// writes left (unless another process has the store open). Blocks: one pass over the
    /// folders' names.
    ///
    /// # Errors
    /// When the folder cannot be made, locked or read.
    pub fn open(root: PathBuf) -> Result<Self, StoreError> {
        let failed = |action| failure(&root.to_string_lossy(), action);
        std::fs::create_dir_all(lock::folder(&root)).map_err(failed("make folder"))?;
        let (open, alone) = lock::announce(&root).map_err(failed("lock"))?;
        let attributes = etag::attributes_work(&open);
        if alone {
            folder::sweep(&root).map_err(failed("sweep"))?;
            lock::share(&open).map_err(failed("lock"))?;
        }
        Ok(Self(Arc::new(Inner { root, attributes, folders: Mutex::new(()), _open: open })))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        key: &Key,
        work: impl FnOnce(&Inner, &Key) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (inner, owned) = (Arc::clone(&self.0), key.clone());
        match tokio::task::spawn_blocking(move || work(&inner, &owned)).await {
            Ok(result) => result,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is being torn down.
                Err(_) => Err(failure(key.as_str(), "run")(io::ErrorKind::Interrupted.into())),
            },
        }
    }
}

impl Inner {
    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }
}

#[async_trait]
impl ObjectStore for FsStore {
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.blocking(key, Inner::head).await
    }

    async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        self.blocking(key, Inner::get).await
    }

    async fn get_range(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, StoreError> {
        self.blocking(key, move |inner, key| inner.get_range(key, range)).await
    }

    async fn put(&self, key: &Key, body: Bytes, condition: Condition) -> Result<Put, StoreError> {
        self.blocking(key, move |inner, key| inner.put(key, &body, &condition)).await
    }

    async fn put_file(
        &self,
        key: &Key,
        file: &Path,
        condition: Condition,
    ) -> Result<Put, StoreError> {
        let file = file.to_owned();
        self.blocking(key, move |inner, key| inner.put_file(key, &file, &condition)).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        self.blocking(key, Inner::delete).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        // A prefix that no key can have is the prefix of no object.
        let Ok(folder) = Key::new(prefix.strip_suffix('/').unwrap_or(prefix)) else {
            return Ok(Vec::new());
        };
        let after = after.cloned();
        self.blocking(&folder, move |inner, folder| inner.list(folder, after.as_ref(), limit)).await
    }
}

/// What the system said while doing `action`, as our error.
fn failure(key: &str, action: &'static str) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let key = key.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { key },
        _ => StoreError::Io { key, action, source },
    }
}

/// Whether the system says that there is nothing of that name.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
