//! Writes an encrypted package: a segment of each track is read whole, encrypted and written, because
//! what stands before its samples depends on all of them.

use std::fs::OpenOptions;
use std::io::IoSlice;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use kinora_packager::package::{Fragment, Layout, Measured, Output, Package};

use super::sink::Sink;
use super::source::SourceFile;
use super::{Job, Progress, folder, interrupted, refused};
use crate::failure::Failure;

/// Writes all tracks into `folder`; what became of their segments.
pub(super) fn seal(
    package: &Package<'_>,
    files: &[SourceFile],
    folder: &Path,
    job: &Job,
    progress: &Progress,
) -> Result<Vec<Vec<Measured>>, Failure> {
    let tracks = package.outputs.iter().map(|output| {
        let layout = job.options.layout;
        let sink = Sink::prepare(folder, output, layout);
        let sink = sink.and_then(|()| Sink::begin(folder, output, layout, 0));
        let mut sink = sink.map_err(folder::output)?;
        let mut measured = Vec::with_capacity(output.segments());
        for (number, fragment) in (0_u32..).zip(output.fragments()) {
            if job.stop.load(Ordering::Relaxed) {
                return Err(interrupted());
            }
            let clear = read(&files[output.file], &fragment.map_err(refused)?)?;
            let sealed = output.seal(number, clear).map_err(refused)?;
            sink.segment().map_err(folder::output)?;
            let media = &sealed.data[sealed.media.clone()];
            sink.write(&mut [IoSlice::new(&sealed.head), IoSlice::new(media)])
                .map_err(folder::output)?;
            progress.advance(media.len() as u64);
            measured.push(sealed.measured);
        }
        Ok(measured)
    });
    tracks.collect()
}

/// Writes the indexes, which were left out, where tracks are one file each.
pub(super) fn write_indexes(
    package: &Package<'_>,
    folder: &Path,
    layout: Layout,
) -> Result<(), Failure> {
    if layout != Layout::SingleFile {
        return Ok(());
    }
    let write = |output: &Output<'_>| {
        let file =
            OpenOptions::new().write(true).open(folder.join(format!("{}.mp4", output.id)))?;
        file.write_all_at(&output.index, output.init.len() as u64)
    };
    package.outputs.iter().try_for_each(write).map_err(folder::output)
}

/// A clear segment.
fn read(source: &SourceFile, fragment: &Fragment) -> Result<Vec<u8>, Failure> {
    // A segment is limited to 1 GiB of media.
    let mut bytes = Vec::with_capacity(fragment.len() as usize);
    bytes.extend_from_slice(&fragment.head);
    let ranges = fragment.media.iter().try_for_each(|range| {
        let begin = bytes.len();
        bytes.resize(begin + (range.end - range.start) as usize, 0);
        source.file.read_exact_at(&mut bytes[begin..], range.start)
    });
    ranges.map_err(|error| source.changed(&error))?;
    Ok(bytes)
}
