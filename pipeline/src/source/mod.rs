//! The source: ranges of bytes from the worker's socket or a file, and the GStreamer element
//! that shows them to demuxers.

pub(crate) mod avi;
pub(crate) mod boxes;
mod cache;
pub(crate) mod demuxer;
mod element;
mod matroska;
pub(crate) mod movie_header;
mod transport;

use std::{
    fs::File,
    io,
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
    /// Whether an answer of the worker is awaited.
    waiting: Arc<AtomicBool>,
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
        Self { size, shared: Arc::new(Mutex::new(shared)), waiting: Arc::default() }
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
        if length == 0 {
            return Ok(Bytes::new());
        }
        let mut shared = self.lock();
        let shared = &mut *shared;
        if let Some(failure) = &shared.failure {
            return Err(io::Error::other(failure.clone()));
        }
        self.waiting.store(true, Ordering::Relaxed);
        let read = shared.cache.read(&mut shared.transport, self.size, offset, length);
        self.waiting.store(false, Ordering::Relaxed);
        if let Err(error) = &read {
            tracing::error!(source.offset = offset, source.length = length, %error, "source read");
            shared.failure = Some(error.to_string());
        }
        read
    }

    /// Whether bytes are awaited: nothing moves then, and the file is not to blame. The worker has a
    /// watch over that of its own.
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether a read failed. Whatever a pipeline said about it afterwards (an early end, a broken
    /// file) is a consequence.
    pub fn failure(&self) -> Option<PipelineError> {
        self.lock().failure.clone().map(PipelineError::SourceRead)
    }

    /// The next task of a series, as JSON: from the worker that serves these bytes, or, where they
    /// are a file's, the next line of standard input. `None` when there is no other.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next_task(&self) -> io::Result<Option<Vec<u8>>> {
        match &mut self.lock().transport {
            Transport::Socket(socket) => transport::next_task(socket),
            Transport::File(_) => {
                let mut line = String::new();
                io::stdin().read_line(&mut line)?;
                Ok(Some(line.into_bytes()).filter(|line| !line.is_empty()))
            }
        }
    }

    /// A new source element over these bytes: seekable, pull mode, always the same stream ids.
    ///
    /// # Errors
    /// None in a process where GStreamer is initialised.
    pub fn element(&self) -> Result<gst::Element, PipelineError> {
        Ok(element::new(self.clone(), self.movie_header()))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        thread,
    };

    use kinora_plan::source_protocol::{REQUEST_LEN, decode_request};

    use super::*;

    /// A source of these bytes behind a socket; `answer` may shorten or spoil each answer.
    fn served(
        bytes: Vec<u8>,
        mut answer: impl FnMut(i64) -> i64 + Send + 'static,
    ) -> (Source, thread::JoinHandle<()>) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let source = Source::socket(ours, bytes.len() as u64);
        let server = thread::spawn(move || {
            let mut request = [0; REQUEST_LEN];
            while theirs.read_exact(&mut request).is_ok() {
                let (offset, length) = decode_request(request).expect("a request within bounds");
                let offset = (offset as usize).min(bytes.len());
                let end = (offset + length as usize).min(bytes.len());
                let length = answer((end - offset) as i64);
                let data = &bytes[offset..offset + usize::try_from(length).unwrap_or(0)];
                // A source that failed reads no further.
                let _ = theirs.write_all(&[&length.to_le_bytes(), data].concat());
            }
        });
        (source, server)
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]
        #[test]
        fn every_range_is_what_the_source_holds(
            size in 1_usize..9_000_000,
            reads in proptest::collection::vec((0.0..1.1_f64, 0_usize..5_000_000), 1..12),
        ) {
            let bytes: Vec<u8> = (0..size).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 13) as u8).collect();
            let (source, server) = served(bytes.clone(), |length| length);
            for (place, length) in reads {
                let offset = (place * size as f64) as usize;
                let read = source.read(offset as u64, length).unwrap();
                let end = (offset + length).min(size);
                proptest::prop_assert!(read == bytes[offset.min(end)..end]);
            }
            drop(source);
            server.join().unwrap();
        }
    }

    #[test]
    fn a_short_or_failed_answer_ends_the_source() {
        for (spoil, why) in [
            ((|length| length / 2) as fn(i64) -> i64, "of 262144 bytes at offset 0"),
            (|_| kinora_plan::source_protocol::READ_FAILED, "could not read the source"),
            (|_| kinora_plan::source_protocol::BAD_REQUEST, "refused"),
        ] {
            let (source, server) = served(vec![7; 1 << 20], spoil);
            assert!(source.read(10, 10).unwrap_err().to_string().contains(why));
            assert!(source.read(500_000, 10).is_err(), "it stays failed");
            assert!(source.failure().is_some_and(|failure| failure.to_string().contains(why)));
            drop(source);
            server.join().unwrap();
        }
    }

    #[test]
    fn a_closed_socket_is_a_failed_read() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let source = Source::socket(ours, 100);
        assert!(source.read(0, 10).is_err());
        assert!(source.failure().is_some());
    }
}
