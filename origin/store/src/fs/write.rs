//! Creating, replacing and removing.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use sha2::{Digest, Sha256};
use tempfile::{Builder, TempPath};

use super::{
    Inner,
    etag::{self, Hash},
    failure, folder, is_absent, read,
};
use crate::{Condition, Key, Put, StoreError};

/// Flushed bytes in the object's folder that wait for its name.
struct Incoming {
    path: TempPath,
    file: File,
    hash: Hash,
}

impl Inner {
    pub(super) fn put(
        &self,
        key: &Key,
        body: &[u8],
        condition: &Condition,
    ) -> Result<Put, StoreError> {
        if !self.holds(key, condition)? {
            return Ok(Put::ConditionFailed);
        }
        let incoming = self.write(&self.path(key), body).map_err(failure(key.as_str(), "write"))?;
        self.commit(key, incoming, condition)
    }

    pub(super) fn put_file(
        &self,
        key: &Key,
        source: &Path,
        condition: &Condition,
    ) -> Result<Put, StoreError> {
        if !self.holds(key, condition)? {
            return Ok(Put::ConditionFailed);
        }
        let path = self.path(key);
        let incoming = match self.link(&path, source) {
            // Another filesystem, one without links, or not our file: its bytes are copied.
            Err(error) if needs_copy(&error) => self.copy(&path, source),
            other => other,
        };
        let put = self.commit(key, incoming.map_err(failure(key.as_str(), "take"))?, condition)?;
        if put != Put::ConditionFailed
            && let Err(error) = fs::remove_file(source)
        {
            tracing::warn!(store.key = %key, %error, "the file that was put stays behind");
        }
        Ok(put)
    }

    pub(super) fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        let path = self.path(key);
        let _locked = self.lock(key)?;
        if read::open(&path).map_err(failure(key.as_str(), "open"))?.is_none() {
            return Ok(false);
        }
        let removed =
            fs::remove_file(&path).and_then(|()| match fs::remove_file(etag::sidecar(&path)) {
                Err(error) if !is_absent(&error) => Err(error),
                _ => path.parent().map_or(Ok(()), folder::sync),
            });
        removed.map_err(failure(key.as_str(), "remove"))?;
        if let Some(parent) = path.parent() {
            folder::prune(&self.root, parent);
        }
        Ok(true)
    }

    /// Whether the condition holds now: final under the key's lock, else an early look that
    /// spares writing bytes in vain.
    fn holds(&self, key: &Key, condition: &Condition) -> Result<bool, StoreError> {
        let found = self.head(key)?;
        Ok(match condition {
            Condition::Absent => found.is_none(),
            Condition::Matches(etag) => found.is_some_and(|found| found.etag == *etag),
        })
    }

    fn commit(
        &self,
        key: &Key,
        incoming: Incoming,
        condition: &Condition,
    ) -> Result<Put, StoreError> {
        let path = self.path(key);
        let etag = etag::text(&incoming.hash);
        let locked = self.lock(key)?;
        if !self.holds(key, condition)? {
            return Ok(Put::ConditionFailed);
        }
        self.name(incoming, &path, condition).map_err(failure(key.as_str(), "name"))?;
        drop(locked);
        let durable = path.parent().map_or(Ok(()), folder::sync);
        durable.map_err(failure(key.as_str(), "flush folder"))?;
        Ok(Put::Stored { etag })
    }

    fn name(&self, incoming: Incoming, path: &Path, condition: &Condition) -> io::Result<()> {
        if !self.attributes {
            etag::write_sidecar(&incoming.file, path, &incoming.hash)?;
        }
        let named = match condition {
            Condition::Absent => incoming.path.persist_noclobber(path),
            Condition::Matches(_) => incoming.path.persist(path),
        };
        named.map_err(|error| error.error)
    }

    fn write(&self, path: &Path, body: &[u8]) -> io::Result<Incoming> {
        let mut file = self.in_folder(path, folder::temporary_in)?;
        file.write_all(body)?;
        let (file, path) = file.into_parts();
        self.seal(file, path, Sha256::digest(body).into())
    }

    fn copy(&self, path: &Path, source: &Path) -> io::Result<Incoming> {
        let mut file = self.in_folder(path, folder::temporary_in)?;
        let hash = etag::copy(&mut File::open(source)?, &mut file)?;
        let (file, path) = file.into_parts();
        self.seal(file, path, hash)
    }

    /// Gives the file `source` a second, temporary name in the object's folder.
    fn link(&self, path: &Path, source: &Path) -> io::Result<Incoming> {
        // A link to a symbolic link would name the link, not the bytes.
        let source = fs::canonicalize(source)?;
        let file = File::open(&source)?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let linked = self.in_folder(path, |folder| {
            Builder::new()
                .prefix(folder::TEMPORARY)
                .make_in(folder, |name| fs::hard_link(&source, name))
        })?;
        let hash = etag::hash(&file)?;
        self.seal(file, linked.into_temp_path(), hash)
    }

    /// Attaches the hash and flushes both.
    fn seal(&self, file: File, path: TempPath, hash: Hash) -> io::Result<Incoming> {
        if self.attributes {
            etag::write_attribute(&file, &hash)?;
        }
        file.sync_all()?;
        Ok(Incoming { path, file, hash })
    }
}

fn needs_copy(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), CrossesDevices | PermissionDenied | TooManyLinks | Unsupported)
}
