//! The source: ranges of bytes from the worker's socket or a file, and the GStreamer element
//! that shows them to demuxers.

mod cache;
mod element;
mod transport;

use std::{
    fs::File,
    io,
    os::unix::net::UnixStream,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use gstreamer as gst;

use self::{cache::BlockCache, transport::Transport};
use crate::PipelineError;

/// What a task reads. Clones share the connection and its cache.
#[derive(Clone)]
pub struct Source {
    size: u64,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    transport: Transport,
    cache: BlockCache,
    failure: Option<String>,
}

impl Source {
    /// A source of `size` bytes behind a socket that speaks
    /// [`source_protocol`](kinora_plan::source_protocol).
    pub fn socket(socket: UnixStream, size: u64) -> Self {
        Self::new(Transport::Socket(socket), size)
    }

    /// A file, as it is now.
    pub fn file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self::new(Transport::File(file), size))
    }

    fn new(transport: Transport, size: u64) -> Self {
        let shared = Shared { transport, cache: BlockCache::default(), failure: None };
        Self { size, shared: Arc::new(Mutex::new(shared)) }
    }

    /// Bytes of the source.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// `length` bytes from `offset`; fewer only at the end of the source.
    ///
    /// # Errors
    /// When the worker could not read, closed the connection, or sent fewer bytes than the source
    /// has. Every later read fails too.
    pub fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let length = usize::try_from(self.size.saturating_sub(offset))
            .map_or(length, |left| length.min(left));
        let mut shared = self.lock();
        let shared = &mut *shared;
        if let Some(failure) = &shared.failure {
            return Err(io::Error::other(failure.clone()));
        }
        let read = shared.cache.read(&mut shared.transport, self.size, offset, length);
        if let Err(error) = &read {
            tracing::error!(source.offset = offset, source.length = length, %error, "source read");
            shared.failure = Some(error.to_string());
        }
        read
    }

    /// Whether a read failed. Whatever a pipeline said about it afterwards (an early end, a broken
    /// file) is a consequence.
    pub fn failure(&self) -> Option<PipelineError> {
        self.lock().failure.clone().map(PipelineError::SourceRead)
    }

    /// A new source element over these bytes: seekable, pull mode, always the same stream ids.
    ///
    /// # Errors
    /// None in a process where GStreamer is initialised.
    pub fn element(&self) -> Result<gst::Element, PipelineError> {
        Ok(element::new(self.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
