//! The worker's side of [`kinora_plan::source_protocol`].

use std::{
    io,
    os::unix::net::UnixStream as StdUnixStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use kinora_plan::{
    encoder::Failure,
    source_protocol::{BAD_REQUEST, READ_FAILED, REQUEST_LEN, decode_request},
};
use kinora_store::{ByteRange, Key};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::{
    failure::{internal, resource},
    job::Job,
    progress::Progress,
    source_cache::{SourceCache, SourceError},
};

/// Serves one child until it hangs up or this is dropped.
#[derive(Debug)]
pub(super) struct SourceServer {
    _task: AbortOnDropHandle<()>,
    failure: Arc<Mutex<Option<Failure>>>,
    reading: Arc<AtomicBool>,
}

struct Source {
    cache: Arc<SourceCache>,
    key: Key,
    size: u64,
    progress: Arc<Progress>,
    failure: Arc<Mutex<Option<Failure>>>,
    /// Whether the store is asked for bytes.
    reading: Arc<AtomicBool>,
}

impl SourceServer {
    /// Also gives the child's end of the socket.
    pub(super) fn start(job: &Job, key: Key, size: u64) -> io::Result<(Self, StdUnixStream)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let ours = UnixStream::from_std(ours)?;
        let failure = Arc::<Mutex<_>>::default();
        let reading = Arc::<AtomicBool>::default();
        let source = Source {
            cache: Arc::clone(&job.host.sources),
            key,
            size,
            progress: Arc::clone(&job.progress),
            failure: Arc::clone(&failure),
            reading: Arc::clone(&reading),
        };
        let serve = async move {
            if let Err(error) = serve(ours, &source).await {
                tracing::trace!(error = %error, "the encoder let go of its source");
            }
        };
        let task = AbortOnDropHandle::new(tokio::spawn(serve.in_current_span()));
        Ok((Self { _task: task, failure, reading }, theirs))
    }

    /// Whether the child awaits bytes that the store has not given yet.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::Relaxed)
    }

    /// Why a read failed, if one did.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.lock().expect("nothing panics while it holds this lock").clone()
    }
}

impl Source {
    fn fail(&self, error: &SourceError) {
        let mut failure = self.failure.lock().expect("nothing panics while it holds this lock");
        *failure = Some(describe(error));
    }
}

/// Answers requests, one at a time. Ends with an error when the child hangs up.
async fn serve(mut socket: UnixStream, source: &Source) -> io::Result<()> {
    loop {
        let mut request = [0; REQUEST_LEN];
        socket.read_exact(&mut request).await?;
        let Some((offset, length)) = decode_request(request) else {
            socket.write_all(&BAD_REQUEST.to_le_bytes()).await?;
            continue;
        };
        let range = ByteRange { offset, length };
        source.reading.store(true, Ordering::Relaxed);
        let read = source.cache.read(&source.key, source.size, range).await;
        source.reading.store(false, Ordering::Relaxed);
        match read {
            Ok(pieces) => {
                let length: i64 = pieces.iter().map(|piece| piece.len() as i64).sum();
                socket.write_all(&length.to_le_bytes()).await?;
                for piece in pieces {
                    socket.write_all(&piece).await?;
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, source.key = %source.key, "a read failed");
                source.fail(&error);
                socket.write_all(&READ_FAILED.to_le_bytes()).await?;
            }
        }
        source.progress.touch();
    }
}

fn describe(error: &SourceError) -> Failure {
    match error {
        SourceError::Missing => {
            internal("source_missing", "The uploaded file is no longer in the store.")
        }
        SourceError::Short { .. } => internal("source_missing", format!("Damaged: {error}.")),
        SourceError::Store(error) => {
            resource("source_read", format!("The uploaded file could not be read: {error}."))
        }
    }
}
