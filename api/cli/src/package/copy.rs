//! Copies media from the sources into the tracks. Each stretch of a source is read once and serves
//! every track of it; what goes out is gathered from where it lies.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use kinora_packager::package::{Fragments, Layout, Output, Package};

use super::sink::{MAX_SLICES, Sink};
use super::source::SourceFile;
use super::window::Window;
use super::{Job, Progress, folder, interrupted, refused};
use crate::failure::Failure;

/// Threads that write segments, at most: each has a window of its own, and the file system makes them
/// wait for each other.
const MAX_WRITERS: usize = 2;

/// Copies all media of the package into `folder`.
pub(super) fn copy(
    package: &Package<'_>,
    files: &[SourceFile],
    folder: &Path,
    job: &Job,
    progress: &Progress,
) -> Result<(), Failure> {
    for output in &package.outputs {
        Sink::prepare(folder, output, job.options.layout).map_err(folder::output)?;
    }
    let failed = AtomicBool::new(false);
    let work = Work { package, files, folder, job, progress, failed: &failed };
    // A file is written from its beginning to its end; of files, several may be written at once.
    let writers = match job.options.layout {
        Layout::SingleFile => 1,
        Layout::Segments => thread::available_parallelism().map_or(1, usize::from).min(MAX_WRITERS),
    };
    thread::scope(|scope| {
        let others = (1..writers).map(|writer| scope.spawn(move || work.stretch(writer, writers)));
        let others: Vec<_> = others.collect();
        let own = work.stretch(0, writers);
        others.into_iter().fold(own, |done, other| {
            done.and(other.join().expect("writers return what goes wrong"))
        })
    })
}

/// What all writers share.
#[derive(Debug, Clone, Copy)]
struct Work<'w> {
    package: &'w Package<'w>,
    files: &'w [SourceFile],
    folder: &'w Path,
    job: &'w Job,
    progress: &'w Progress,
    /// Whether one of them failed, so that the others need not go on.
    failed: &'w AtomicBool,
}

impl Work<'_> {
    /// Writes one of `writers` equal stretches of all tracks.
    fn stretch(self, writer: usize, writers: usize) -> Result<(), Failure> {
        let done = self.write(writer, writers);
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }

    fn write(self, writer: usize, writers: usize) -> Result<(), Failure> {
        let mut window = Window::new();
        let stretch = |output: &Output<'_>| {
            let border = |writer: usize| output.segments() * writer / writers;
            border(writer)..border(writer + 1)
        };
        for (number, file) in self.files.iter().enumerate() {
            let outputs = self.package.outputs.iter().filter(|output| output.file == number);
            let lanes =
                outputs.map(|output| Lane::begin(self.folder, output, stretch(output), self.job));
            let mut lanes = lanes.collect::<Result<Vec<_>, _>>()?;
            while let Some(next) = lanes.iter().filter_map(Lane::needs).min() {
                if self.failed.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if self.job.stop.load(Ordering::Relaxed) {
                    return Err(interrupted());
                }
                window.load(&file.file, next).map_err(|error| file.changed(&error))?;
                for lane in &mut lanes {
                    self.progress.advance(lane.advance(&window)?);
                }
            }
        }
        Ok(())
    }
}

/// A track on its way.
struct Lane<'p> {
    fragments: Fragments<'p, 'p>,
    sink: Sink,
    /// What stands before the media of the segment, as long as it is not written.
    head: Bytes,
    /// What is left of the segment: ranges of the source.
    media: Vec<Range<u64>>,
    /// How many of them are written.
    done: usize,
}

impl<'p> Lane<'p> {
    fn begin(
        folder: &Path,
        output: &'p Output<'p>,
        segments: Range<usize>,
        job: &Job,
    ) -> Result<Self, Failure> {
        let sink = Sink::begin(folder, output, job.options.layout, segments.start);
        let sink = sink.map_err(folder::output)?;
        let fragments = output.fragments_in(segments);
        let mut lane = Self { fragments, sink, head: Bytes::new(), media: Vec::new(), done: 0 };
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
            self.head = fragment.head;
            self.media = fragment.media;
            self.media.retain(|range| !range.is_empty());
            if self.media.is_empty() {
                self.sink.write(&mut [IoSlice::new(&self.head)]).map_err(folder::output)?;
            }
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
            let head = std::mem::take(&mut self.head);
            let mut slices = Vec::with_capacity(MAX_SLICES.min(1 + self.media.len() - self.done));
            for range in self.media[self.done..].iter_mut().take(MAX_SLICES - 1) {
                let Some(bytes) = window.get(range) else { break };
                if slices.is_empty() && !head.is_empty() {
                    slices.push(IoSlice::new(&head));
                }
                slices.push(IoSlice::new(bytes));
                written += bytes.len() as u64;
                range.start += bytes.len() as u64;
                if !range.is_empty() {
                    break;
                }
                self.done += 1;
            }
            if slices.is_empty() {
                self.head = head;
                return Ok(written);
            }
            self.sink.write(&mut slices)?;
        }
    }
}
