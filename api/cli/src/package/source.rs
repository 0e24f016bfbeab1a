//! A file to be packaged, read by ranges.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use kinora_packager::read::{self, OpenError, Track};

use crate::failure::{Exit, Failure};

/// A file whose tables are read.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: PathBuf,
    /// The language of its sound, where the user said so.
    pub(crate) language: Option<String>,
    pub(crate) file: File,
    tables: read::File<'static>,
}

impl SourceFile {
    pub(crate) fn open(path: &Path, language: Option<&str>) -> Result<Self, Failure> {
        let shown = path.display();
        let missing = |error| Failure::usage(format!("{shown}: {error}"));
        let file = File::open(path).map_err(missing)?;
        let metadata = file.metadata().map_err(missing)?;
        if !metadata.is_file() {
            return Err(Failure::usage(format!("{shown} is not a file")));
        }
        let tables = read::open_ranges(metadata.len(), |offset, count| {
            let mut bytes = vec![0; count];
            file.read_exact_at(&mut bytes, offset).map(|()| bytes)
        });
        let tables = tables.map_err(|error| match error {
            OpenError::Read(error) => damaged(path, &error),
            OpenError::Fetch(error) => {
                Failure::new(Exit::Failed, "source", format!("{shown}: {error}"))
            }
        })?;
        let language = language.map(|language| kinora_plan::language::tag(Some(language)));
        Ok(Self { path: path.to_owned(), language, file, tables })
    }

    pub(crate) fn tracks(&self) -> Result<Vec<Track<'_>>, Failure> {
        self.tables.tracks().map_err(|error| damaged(&self.path, &error))
    }

    /// How people call it.
    pub(crate) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }
}

fn damaged(path: &Path, error: &read::ReadError) -> Failure {
    Failure::new(Exit::Failed, "source", format!("{}: {error}", path.display()))
        .help("Only MP4 files (.mp4, .m4a, .m4v, fragmented ones too) are packaged.")
}
