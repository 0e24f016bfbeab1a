//! Copies media from the sources into the tracks. Each stretch of a source is read once and serves
//! every track of it; what goes out is gathered from where it lies.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;

use kinora_packager::package::{Fragments, Output, Package};

use super::sink::{MAX_SLICES, Sink};
use super::source::SourceFile;
use super::window::Window;
use super::{Job, Progress, folder, interrupted, refused};
use crate::failure::{Exit, Failure};

/// Copies all media of the package into `folder`.
pub(super) fn copy(
    package: &Package<'_>,
    files: &[SourceFile],
    folder: &Path,
    job: &Job,
    progress: &Progress,
) -> Result<(), Failure> {
    let mut window = Window::new();
    for (number, file) in files.iter().enumerate() {
        let outputs = package.outputs.iter().filter(|output| output.file == number);
        let lanes = outputs.map(|output| Lane::begin(folder, output, job));
        let mut lanes = lanes.collect::<Result<Vec<_>, _>>()?;
        while let Some(next) = lanes.iter().filter_map(Lane::needs).min() {
            if job.stop.load(Ordering::Relaxed) {
                return Err(interrupted());
            }
            window.load(&file.file, next).map_err(|error| {
                Failure::new(Exit::Failed, "source", format!("{}: {error}", file.name()))
                    .help("The file must not change while it is packaged.")
            })?;
            for lane in &mut lanes {
                progress.advance(lane.advance(&window)?);
            }
        }
    }
    Ok(())
}

/// A track on its way.
struct Lane<'p> {
    fragments: Fragments<'p, 'p>,
    sink: Sink,
    /// What is left of the segment: ranges of the source.
    media: Vec<Range<u64>>,
    /// How many of them are written.
    done: usize,
}

impl<'p> Lane<'p> {
    fn begin(folder: &Path, output: &'p Output<'p>, job: &Job) -> Result<Self, Failure> {
        let sink = Sink::begin(folder, output, job.options.layout).map_err(folder::output)?;
        let mut lane = Self { fragments: output.fragments(), sink, media: Vec::new(), done: 0 };
        lane.next_fragment()?;
        Ok(lane)
    }

    /// Where in the source it must go on; `None` at the end.
    fn needs(&self) -> Option<u64> {
        self.media.get(self.done).map(|range| range.start)
    }

    /// Goes to the next segment that has media. Whether there is one.
    fn next_fragment(&mut self) -> Result<bool, Failure> {
        self.done = 0;
        self.media.clear();
        while self.media.is_empty() {
            let Some(fragment) = self.fragments.next() else { return Ok(false) };
            let fragment = fragment.map_err(refused)?;
            self.sink.segment().map_err(folder::output)?;
            self.sink.write(&mut [IoSlice::new(&fragment.head)]).map_err(folder::output)?;
            self.media = fragment.media;
            self.media.retain(|range| !range.is_empty());
        }
        Ok(true)
    }

    /// Writes what the window has of it. Bytes of media written.
    fn advance(&mut self, window: &Window) -> Result<u64, Failure> {
        let mut written = 0;
        loop {
            written += self.gather(window).map_err(folder::output)?;
            let is_whole = self.done == self.media.len();
            if !is_whole || self.media.is_empty() || !self.next_fragment()? {
                return Ok(written);
            }
        }
    }

    fn gather(&mut self, window: &Window) -> io::Result<u64> {
        let mut written = 0;
        loop {
            let mut slices = Vec::with_capacity(MAX_SLICES.min(self.media.len() - self.done));
            for range in self.media[self.done..].iter_mut().take(MAX_SLICES) {
                let Some(bytes) = window.get(range) else { break };
                slices.push(IoSlice::new(bytes));
                written += bytes.len() as u64;
                range.start += bytes.len() as u64;
                if !range.is_empty() {
                    break;
                }
                self.done += 1;
            }
            if slices.is_empty() {
                return Ok(written);
            }
            self.sink.write(&mut slices)?;
        }
    }
}
