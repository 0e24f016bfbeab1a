//! Where a track is written: one file, or one a segment.

use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};

use kinora_packager::package::{Layout, Output};

/// Slices that one call writes, at most (IOV_MAX).
pub(super) const MAX_SLICES: usize = 1024;

/// The file that is written.
#[derive(Debug)]
pub(super) struct Sink {
    /// Of the segments, each in a file; `None` where all are in one.
    folder: Option<PathBuf>,
    file: Option<File>,
    number: usize,
}

impl Sink {
    /// Makes room for a track: the folder of its segments, where each is a file.
    pub(super) fn prepare(folder: &Path, output: &Output<'_>, layout: Layout) -> io::Result<()> {
        match layout {
            Layout::Segments => fs::create_dir(folder.join(output.id.as_str())),
            Layout::SingleFile => Ok(()),
        }
    }

    /// Begins a track: in one file, with what stands before its segments; else at segment `number`.
    pub(super) fn begin(
        folder: &Path,
        output: &Output<'_>,
        layout: Layout,
        number: usize,
    ) -> io::Result<Self> {
        if layout == Layout::Segments {
            let folder = folder.join(output.id.as_str());
            return Ok(Self { folder: Some(folder), file: None, number });
        }
        let mut file = File::create_new(folder.join(format!("{}.mp4", output.id)))?;
        file.write_all(&output.init)?;
        file.write_all(&output.index)?;
        Ok(Self { folder: None, file: Some(file), number })
    }

    /// Begins a segment.
    pub(super) fn segment(&mut self) -> io::Result<()> {
        if let Some(folder) = &self.folder {
            self.file = Some(File::create_new(folder.join(format!("{}.m4s", self.number)))?);
            self.number += 1;
        }
        Ok(())
    }

    /// Writes all of it, from where it lies.
    pub(super) fn write(&mut self, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        while !slices.is_empty() {
            let some = slices.len().min(MAX_SLICES);
            match file.write_vectored(&slices[..some]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut slices, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
