//! Files that uploads grow in.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use bytes::Bytes;

use crate::{error::Error, model::UploadId};

/// The folder of spool files. Their names are upload ids: nothing a client chose.
#[derive(Debug, Clone)]
pub(crate) struct SpoolDir(PathBuf);

/// One spool file, open at its end.
#[derive(Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
    path: PathBuf,
    end: u64,
}

impl SpoolDir {
    /// The folder at `path`, made where there is none.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&path).map_err(failed(&path, "make folder"))?;
        Ok(Self(path))
    }

    /// Where an upload's bytes lie.
    pub(crate) fn path(&self, id: UploadId) -> PathBuf {
        self.0.join(format!("{id}{SUFFIX}"))
    }

    /// How many bytes lie there, if there is a file.
    pub(crate) async fn length(&self, id: UploadId) -> Result<Option<u64>, Error> {
        let path = self.path(id);
        match tokio::fs::metadata(&path).await {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, "look at")(error)),
        }
    }

    /// When the file was written last, if there is one; microseconds since 1970 UTC.
    pub(crate) async fn written_at_us(&self, id: UploadId) -> Result<Option<i64>, Error> {
        let path = self.path(id);
        let metadata = match tokio::fs::metadata(&path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found.map_err(failed(&path, "look at"))?,
        };
        let written = metadata.modified().map_err(failed(&path, "look at"))?;
        let since = written.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Some(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The file, cut to `offset`: what lies beyond may not be durable. Shorter than `offset`
    /// only if the filesystem lost bytes.
    pub(crate) async fn append_at(&self, id: UploadId, offset: u64) -> Result<Spool, Error> {
        let (folder, path) = (self.0.clone(), self.path(id));
        blocking(move || {
            let open = |options: &mut OpenOptions| options.write(true).open(&path);
            let file = match open(&mut OpenOptions::new()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let made =
                        open(OpenOptions::new().create(true)).map_err(failed(&path, "make"))?;
                    // The file's bytes are worth nothing if power loss takes its name.
                    File::open(&folder)
                        .and_then(|folder| folder.sync_all())
                        .map_err(failed(&folder, "flush"))?;
                    made
                }
                other => other.map_err(failed(&path, "open"))?,
            };
            let length = file.metadata().map_err(failed(&path, "look at"))?.len();
            if length > offset {
                file.set_len(offset).map_err(failed(&path, "cut"))?;
            }
            Ok(Spool { file: Arc::new(file), path, end: length.min(offset) })
        })
        .await
    }

    /// Removes an upload's file. One that is not there is removed.
    pub(crate) async fn remove(&self, id: UploadId) -> Result<(), Error> {
        let path = self.path(id);
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed(&path, "remove")(error))
            }
            _ => Ok(()),
        }
    }

    /// Every upload that has a file. Other names are left alone.
    pub(crate) async fn list(&self) -> Result<Vec<UploadId>, Error> {
        let folder = self.0.clone();
        blocking(move || {
            let mut ids = Vec::new();
            for entry in fs::read_dir(&folder).map_err(failed(&folder, "list"))? {
                let name = entry.map_err(failed(&folder, "list"))?.file_name();
                let id = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
                ids.extend(id.and_then(|id| id.parse::<UploadId>().ok()));
            }
            Ok(ids)
        })
        .await
    }
}

const SUFFIX: &str = ".part";

impl Spool {
    /// Bytes in the file, durable or not.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Writes at the end. What was written before a failure stays.
    pub(crate) async fn write(&mut self, pieces: Vec<Bytes>) -> Result<(), Error> {
        let (file, path, mut end) = (self.file.clone(), self.path.clone(), self.end);
        self.end = blocking(move || {
            for piece in pieces {
                file.write_all_at(&piece, end).map_err(failed(&path, "write"))?;
                end += piece.len() as u64;
            }
            Ok(end)
        })
        .await?;
        Ok(())
    }

    /// Gives up what lies beyond `end`.
    pub(crate) async fn cut(&mut self, end: u64) -> Result<(), Error> {
        let (file, path) = (self.file.clone(), self.path.clone());
        blocking(move || file.set_len(end).map_err(failed(&path, "cut"))).await?;
        self.end = end;
        Ok(())
    }

    /// Makes the file durable, and says how long it is.
    pub(crate) async fn sync(&self) -> Result<u64, Error> {
        let (file, path) = (self.file.clone(), self.path.clone());
        blocking(move || {
            file.sync_data().map_err(failed(&path, "flush"))?;
            Ok(file.metadata().map_err(failed(&path, "look at"))?.len())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being torn down.
            Err(_) => Err(Error::Stopping),
        },
    }
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Error + use<> {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let path = path.to_owned();
    move |source| match source.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => {
            Error::Full(format!("{}: {action}: {source}", path.display()))
        }
        _ => Error::Spool { path, action, source },
    }
}
