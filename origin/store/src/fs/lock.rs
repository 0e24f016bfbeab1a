//! Locks between threads and between processes: `flock` on small files under `.store`.
//!
//! A lock belongs to the open file, not to the process, so one mechanism serves both, and the
//! system lets go when a process dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{Inner, failure};
use crate::{Key, StoreError};

/// Where the lock files lie.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join(".store")
}

/// Marks the store as open; whether nobody else has it open, in which case the mark is
/// exclusive until [`share`].
pub(super) fn announce(root: &Path) -> io::Result<(File, bool)> {
    let file = open(&folder(root).join("open"))?;
    match file.try_lock() {
        Ok(()) => Ok((file, true)),
        Err(TryLockError::WouldBlock) => file.lock_shared().map(|()| (file, false)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Lets other processes open the store too.
pub(super) fn share(open: &File) -> io::Result<()> {
    open.unlock()?;
    open.lock_shared()
}

impl Inner {
    /// Waits until nobody else decides about `key`; until the answer is dropped nobody does.
    pub(super) fn lock(&self, key: &Key) -> Result<File, StoreError> {
        // Keys share 256 locks. They are held for a look and a rename only.
        let number = key.as_str().bytes().fold(0_u8, |n, b| n.wrapping_mul(31).wrapping_add(b));
        let locked = open(&folder(&self.root).join(format!("{number:02x}")))
            .and_then(|file| file.lock().map(|()| file));
        locked.map_err(failure(key.as_str(), "lock"))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}
