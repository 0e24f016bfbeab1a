//! Which uploads in parts are under way, on disk before their first part travels: what a killed process
//! left is aborted at its next start. The server's listing finds the same, but only after days, and not
//! every server lists.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{S3Store, file::blocking};
use crate::StoreError;

/// The folder of notes; none where nobody said where.
#[derive(Debug, Clone)]
pub(super) struct Journal(pub(super) Option<PathBuf>);

/// An upload in parts, as S3 knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Noted {
    /// The address of the bucket.
    pub(super) bucket: String,
    /// The object's name there.
    pub(super) name: String,
    pub(super) id: String,
}

/// The file of an upload that is not over.
#[derive(Debug, Default)]
pub(super) struct Note(Option<PathBuf>);

impl Journal {
    pub(super) async fn write(&self, upload: Noted) -> io::Result<Note> {
        let Some(folder) = self.0.clone() else { return Ok(Note::default()) };
        blocking(move || {
            fs::create_dir_all(&folder)?;
            let path = folder.join(Uuid::now_v7().to_string());
            let mut file = File::create_new(&path)?;
            let Noted { bucket, name, id } = upload;
            write!(file, "{bucket}\n{name}\n{id}\n")?;
            file.sync_all()?;
            File::open(&folder)?.sync_all()?;
            Ok(Note(Some(path)))
        })
        .await
    }

    async fn read(&self) -> io::Result<Vec<(Note, Option<Noted>)>> {
        let Some(folder) = self.0.clone() else { return Ok(vec![]) };
        blocking(move || {
            let files = match fs::read_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
                files => files?,
            };
            let read = |file: io::Result<fs::DirEntry>| {
                let path = file?.path();
                Ok((Note(Some(path.clone())), parse(&path)?))
            };
            files.map(read).collect()
        })
        .await
    }
}

/// `None` where the note was cut off: no part was sent then.
fn parse(path: &Path) -> io::Result<Option<Noted>> {
    let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
    let mut lines = text.split_inclusive('\n').map_while(|line| line.strip_suffix('\n'));
    let mut next = || lines.next().map(str::to_owned);
    Ok((|| Some(Noted { bucket: next()?, name: next()?, id: next()? }))())
}

impl Note {
    /// The upload is over.
    pub(super) async fn remove(self) {
        let Some(path) = self.0 else { return };
        let removed = blocking(move || fs::remove_file(path)).await;
        if let Err(error) = removed {
            // The next start aborts what is no more there, which does nothing.
            tracing::warn!(%error, "the note of an upload in parts stays behind");
        }
    }
}

impl S3Store {
    /// Aborts what a process before this one noted in the same folder ([`S3Config::journal`]) and did
    /// not end; how many. Nobody else may be using that folder.
    ///
    /// [`S3Config::journal`]: super::S3Config::journal
    ///
    /// # Errors
    /// When the folder cannot be read or the server does not abort one: the notes of what is left stay.
    pub async fn abort_noted(&self) -> Result<usize, StoreError> {
        let failed = |source| {
            let key = "uploads in parts".to_owned();
            StoreError::Io { key, action: "read the journal", source }
        };
        let (bucket, mut aborted) = (self.requests().bucket.base_url().to_string(), 0);
        for (note, upload) in self.journal().read().await.map_err(failed)? {
            match upload {
                Some(upload) if upload.bucket != bucket => continue,
                Some(Noted { name, id, .. }) => {
                    let abort = || self.requests().abort(&name, &id);
                    let there = self.run(&name, "abort", abort).await.done(&name, "abort")?;
                    aborted += usize::from(there);
                }
                None => {}
            }
            note.remove().await;
        }
        Ok(aborted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_note_is_read_as_it_was_written_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal(Some(folder.path().join("uploads")));
        assert_eq!(journal.read().await.unwrap().len(), 0, "there is no folder yet");
        let upload = Noted { bucket: "http://s3/b".into(), name: "a/b".into(), id: "x".into() };
        let note = journal.write(upload.clone()).await.unwrap();
        fs::write(folder.path().join("uploads/cut-off"), "http://s3/b\na/b\nx").unwrap();
        let mut read = journal.read().await.unwrap();
        read.sort_by_key(|(_, upload)| upload.is_none());
        let uploads: Vec<_> = read.into_iter().map(|(_, upload)| upload).collect();
        assert_eq!(uploads, [Some(upload), None]);
        note.remove().await;
        assert_eq!(journal.read().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn without_a_folder_nothing_is_noted() {
        let upload = Noted { bucket: String::new(), name: String::new(), id: String::new() };
        assert!(Journal(None).write(upload).await.unwrap().0.is_none());
    }
}
