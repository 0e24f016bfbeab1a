//! A file to be packaged, read by ranges.

use std::fs::File;
use std::io;
use std::ops::Range;
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

    /// A few bytes of it.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(usize::MAX)];
        match self.file.read_exact_at(&mut bytes, range.start) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(self.changed(&error)),
        }
    }

    /// What its tables promised cannot be read.
    pub(crate) fn changed(&self, error: &io::Error) -> Failure {
        Failure::new(Exit::Failed, "source", format!("{}: {error}", self.name()))
            .help("The file must not change while it is packaged.")
    }

    /// How people call it.
    pub(crate) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }
}

fn damaged(path: &Path, error: &read::ReadError) -> Failure {
    let failure = Failure::new(Exit::Failed, "source", format!("{}: {error}", path.display()));
    let is = |name: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(name));
    if is("vtt") || is("srt") {
        return failure.help(format!("Give captions as --captions en={}.", path.display()));
    }
    failure.help("Only MP4 files (.mp4, .m4a, .m4v, fragmented ones too) are packaged.")
}
