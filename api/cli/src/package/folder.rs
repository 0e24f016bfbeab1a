//! The folder that is made: written beside its place, and moved there when all is well.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

use super::{DASH, HLS};
use crate::failure::{Exit, Failure};

/// A folder in the making. Nothing is left of it unless it is finished.
#[derive(Debug)]
pub(super) struct Folder {
    target: PathBuf,
    replace: bool,
    temporary: TempDir,
    /// Inside the temporary one, with the permissions that new folders have.
    folder: PathBuf,
}

impl Folder {
    /// Checks that there is room for it: nothing, an empty folder, or a package to be replaced.
    pub(super) fn begin(target: &Path, replace: bool) -> Result<Self, Failure> {
        let shown = target.display();
        if target.exists() && !is_empty(target)? {
            if !replace {
                return Err(exists(target));
            }
            if !target.join(HLS).is_file() && !target.join(DASH).is_file() {
                let what = format!("{shown} is not a package, and --force replaces nothing else");
                return Err(Failure::usage(what).help("Name another folder, or remove this one."));
            }
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|error| output(error).at_path(parent))?;
        let temporary = tempfile::Builder::new().prefix(".kinora-package-").tempdir_in(parent);
        let temporary = temporary.map_err(|error| output(error).at_path(parent))?;
        let folder = temporary.path().join("package");
        fs::create_dir(&folder).map_err(output)?;
        Ok(Self { target: target.to_owned(), replace, temporary, folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Lets it appear in its place, in one step.
    pub(super) fn finish(self) -> Result<PathBuf, Failure> {
        let Self { target, replace, temporary, folder } = self;
        let moved = fs::rename(&folder, &target);
        if moved.as_ref().is_err_and(is_taken) {
            if !replace {
                return Err(exists(&target));
            }
            // What was there goes away with the temporary folder.
            renameat_with(CWD, &folder, CWD, &target, RenameFlags::EXCHANGE)
                .map_err(|error| output(error.into()))?;
        } else {
            moved.map_err(output)?;
        }
        drop(temporary);
        Ok(target)
    }
}

fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
}

fn is_empty(folder: &Path) -> Result<bool, Failure> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) => Err(Failure::usage(format!("{}: {error}", folder.display()))),
    }
}

fn exists(target: &Path) -> Failure {
    Failure::usage(format!("{} exists already", target.display()))
        .help("Name another folder, or replace an earlier package with --force.")
}

/// Writes a small file.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = fs::File::create_new(path).map_err(output)?;
    file.write_all(bytes).map_err(output)
}

/// What cannot be written.
pub(super) fn output(error: io::Error) -> Failure {
    let failure = Failure::new(Exit::Failed, "output", format!("cannot write: {error}"));
    match error.kind() {
        io::ErrorKind::StorageFull => failure.help("Free some room, or name a folder elsewhere."),
        io::ErrorKind::PermissionDenied => failure.help("Name a folder that you may write to."),
        _ => failure,
    }
}

impl Failure {
    fn at_path(self, path: &Path) -> Self {
        Self { what: format!("{}: {}", path.display(), self.what), ..self }
    }
}
