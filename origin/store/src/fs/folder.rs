//! Folders: made before an object, removed after the last one, and swept at start.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::Path,
    sync::PoisonError,
};

use tempfile::{Builder, NamedTempFile};

use super::{Inner, etag, is_absent};

/// How a temporary file's name begins.
pub(super) const TEMPORARY: &str = ".tmp-";

/// A temporary file that goes away unless it takes another name.
pub(super) fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(TEMPORARY).tempfile_in(folder)
}

/// Makes a folder's entries durable. One that is gone again needs nothing.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if is_absent(&error) => Ok(()),
        other => other,
    }
}

/// Removes `folder` and its parents below `root` as far as they are empty.
pub(super) fn prune(root: &Path, folder: &Path) {
    let below = |folder: &&Path| folder.starts_with(root) && *folder != root;
    for folder in folder.ancestors().take_while(below) {
        // Not empty, or gone already: either way there is nothing more to do.
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

/// Removes what interrupted writes left: temporary files, sidecars without their object, and
/// empty folders. Only while nobody writes.
pub(super) fn sweep(root: &Path) -> io::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut kept = 0_usize;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if is_stale(&path, &name)? {
                tracing::info!(store.file = %path.display(), "removing what a write left");
                fs::remove_file(&path)?;
            } else {
                kept += 1;
                if entry.file_type()?.is_dir() && !name.as_encoded_bytes().starts_with(b".") {
                    folders.push(path);
                }
            }
        }
        if kept == 0 {
            prune(root, &folder);
        }
    }
    Ok(())
}

fn is_stale(path: &Path, name: &OsStr) -> io::Result<bool> {
    let Some(name) = name.to_str() else { return Ok(false) };
    if name.starts_with(TEMPORARY) {
        return Ok(true);
    }
    match name.strip_prefix(etag::SIDECAR) {
        Some(object) => path.with_file_name(object).try_exists().map(|exists| !exists),
        None => Ok(false),
    }
}

impl Inner {
    /// Does `work` in the folder of the object at `path`, making the folder first. A delete may
    /// remove the folder in between, until it holds something: then both happen again.
    pub(super) fn in_folder<T>(
        &self,
        path: &Path,
        mut work: impl FnMut(&Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut tries = 0;
        loop {
            let made = {
                let _one = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
                make(folder)
            };
            match made.and_then(|()| work(folder)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 100 => tries += 1,
                other => return other,
            }
        }
    }
}

/// Makes a folder and its missing parents, durably.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    make(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Ok(()) => sync(parent),
        Err(error) => Err(error),
    }
}
