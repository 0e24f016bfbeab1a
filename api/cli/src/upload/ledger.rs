//! Unfinished uploads, remembered on disk so that a killed process can be followed by another.
//!
//! One small file for each (server, file) pair, beside a lock that dies with its process.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::failure::{Exit, Failure};
use crate::session::write_private;
use crate::{paths, terminal::format};

/// A file as it is now. Another size or date makes it another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Absolute, without links.
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    modified_ns: u128,
}

impl Fingerprint {
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let unusable = |what: &str| Failure::usage(format!("{}: {what}", path.display()));
        let looked_up = path.canonicalize().and_then(|path| Ok((fs::metadata(&path)?, path)));
        let (metadata, path) = looked_up.map_err(|error| {
            unusable(&error.to_string()).help("Name files that exist and that you may read.")
        })?;
        if !metadata.is_file() {
            return Err(unusable("not a regular file").help("Name the files one by one."));
        }
        let modified = metadata.modified().ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok());
        let modified_ns = modified.unwrap_or_default().as_nanos();
        Ok(Self { path, size: metadata.len(), modified_ns })
    }

    /// The name without its folder.
    pub(crate) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        format::line(&name)
    }
}

/// What a later run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) video: Uuid,
    /// Absent if the run ended before one was reserved.
    pub(crate) upload_url: Option<String>,
}

/// The file on disk, readable by people who wonder what it is.
#[derive(Serialize, Deserialize)]
struct Entry {
    schema: u32,
    server: String,
    path: PathBuf,
    size: u64,
    video: Uuid,
    upload_url: Option<String>,
}

const SCHEMA: u32 = 1;

/// This process's claim on the upload of one file to one server.
#[derive(Debug)]
pub(crate) struct Ledger {
    server: String,
    entry: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Ledger {
    /// Claims the upload.
    pub(crate) fn open(server: &str, file: &Fingerprint) -> Result<Self, Failure> {
        Self::open_in(&paths::uploads()?, server, file)
    }

    fn open_in(folder: &Path, server: &str, file: &Fingerprint) -> Result<Self, Failure> {
        let key = key(server, file);
        let lock = folder.join(format!("{key}.lock"));
        let open = || {
            fs::create_dir_all(folder)?;
            File::create(&lock)
        };
        let held = open().map_err(|error| unusable(folder, &error))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("another kinora is uploading {} already", file.path.display());
                return Err(Failure::new(Exit::TryAgain, "in_progress", what)
                    .help("Wait for it, or end it and run this command again."));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(folder, &error)),
        }
        let entry = folder.join(format!("{key}.json"));
        Ok(Self { server: server.to_owned(), entry, lock, _held: held })
    }

    /// What an earlier run left. What cannot be read is as good as nothing: the upload begins
    /// anew.
    pub(crate) fn load(&self) -> Option<Saved> {
        let entry: Entry = serde_json::from_slice(&fs::read(&self.entry).ok()?).ok()?;
        (entry.schema == SCHEMA)
            .then_some(Saved { video: entry.video, upload_url: entry.upload_url })
    }

    /// Remembers, durably before it returns.
    pub(crate) fn save(&self, file: &Fingerprint, saved: &Saved) -> Result<(), Failure> {
        let entry = Entry {
            schema: SCHEMA,
            server: self.server.clone(),
            path: file.path.clone(),
            size: file.size,
            video: saved.video,
            upload_url: saved.upload_url.clone(),
        };
        let text = serde_json::to_vec_pretty(&entry).map_err(std::io::Error::from);
        text.and_then(|text| write_private(&self.entry, &text))
            .map_err(|error| unusable(&self.entry, &error))
    }

    /// The upload came to an end.
    pub(crate) fn forget(&self) {
        for path in [&self.entry, &self.lock] {
            if let Err(error) = fs::remove_file(path)
                && error.kind() != ErrorKind::NotFound
            {
                eprintln!("warning: cannot remove {}: {error}", path.display());
            }
        }
    }
}

fn key(server: &str, file: &Fingerprint) -> String {
    let mut hash = Sha256::new();
    let path = file.path.as_os_str().as_encoded_bytes();
    for part in [server.as_bytes(), path] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(file.size.to_le_bytes());
    hash.update(file.modified_ns.to_le_bytes());
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("cannot remember the upload in {}: {error}", path.display());
    Failure::new(Exit::Failed, "state", what).help("Set XDG_STATE_HOME to a folder of yours.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path) -> Fingerprint {
        let path = folder.join("film.mp4");
        fs::write(&path, "bytes").unwrap();
        Fingerprint::of(&path).unwrap()
    }

    #[test]
    fn what_is_saved_is_loaded_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let saved = Saved { video: Uuid::now_v7(), upload_url: Some("http://a/u".into()) };
        let state = folder.path().join("state");
        {
            let ledger = Ledger::open_in(&state, "http://a/", &file).unwrap();
            assert_eq!(ledger.load(), None);
            ledger.save(&file, &saved).unwrap();
        }
        let ledger = Ledger::open_in(&state, "http://a/", &file).unwrap();
        assert_eq!(ledger.load(), Some(saved));
        fs::write(&ledger.entry, "torn").unwrap();
        assert_eq!(ledger.load(), None);
        ledger.forget();
        assert_eq!(fs::read_dir(&state).unwrap().count(), 0);
    }

    #[test]
    fn one_process_uploads_a_file_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let _first = Ledger::open_in(folder.path(), "http://a/", &file).unwrap();
        let second = Ledger::open_in(folder.path(), "http://a/", &file).unwrap_err();
        assert_eq!(second.exit, Exit::TryAgain);
        assert!(Ledger::open_in(folder.path(), "http://b/", &file).is_ok());
    }

    #[test]
    fn a_changed_file_is_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let before = file(folder.path());
        fs::write(&before.path, "other bytes").unwrap();
        let after = Fingerprint::of(&before.path).unwrap();
        assert_ne!(key("http://a/", &before), key("http://a/", &after));
        assert_ne!(key("http://a/", &before), key("http://b/", &before));
    }
}
