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
    source_protocol::{BAD_REQUEST, NEXT_TASK, READ_FAILED, REQUEST_LEN, decode_request},
};
use kinora_store::{ByteRange, Key};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::{Notify, mpsc},
};
use tokio_util::task::AbortOnDropHandle;

use super::current::Current;
use crate::{
    failure::{internal, resource},
    job::Job,
    source_cache::{SourceCache, SourceError},
};

/// Serves one child until it hangs up or this is dropped.
#[derive(Debug)]
pub(super) struct SourceServer {
    _task: AbortOnDropHandle<()>,
    failure: Arc<Mutex<Option<Failure>>>,
    reading: Arc<AtomicBool>,
    current: Arc<Current>,
    asked: Arc<Notify>,
    tasks: mpsc::Sender<Vec<u8>>,
}

struct Source {
    cache: Arc<SourceCache>,
    key: Key,
    size: u64,
    current: Arc<Current>,
    failure: Arc<Mutex<Option<Failure>>>,
    /// Whether the store is asked for bytes.
    reading: Arc<AtomicBool>,
    /// Told when the child asks for its next task.
    asked: Arc<Notify>,
    tasks: mpsc::Receiver<Vec<u8>>,
}

impl SourceServer {
    /// Also gives the child's end of the socket.
    pub(super) fn start(
        job: &Job,
        key: Key,
        size: u64,
        current: Arc<Current>,
    ) -> io::Result<(Self, StdUnixStream)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let ours = UnixStream::from_std(ours)?;
        let failure = Arc::<Mutex<_>>::default();
        let reading = Arc::<AtomicBool>::default();
        let asked = Arc::<Notify>::default();
        let (sender, tasks) = mpsc::channel(1);
        let mut source = Source {
            cache: Arc::clone(&job.host.sources),
            key,
            size,
            current: Arc::clone(&current),
            failure: Arc::clone(&failure),
            reading: Arc::clone(&reading),
            asked: Arc::clone(&asked),
            tasks,
        };
        let serve = async move {
            if let Err(error) = serve(ours, &mut source).await {
                tracing::trace!(error = %error, "the encoder let go of its source");
            }
        };
        let task = AbortOnDropHandle::new(tokio::spawn(serve));
        Ok((Self { _task: task, failure, reading, current, asked, tasks: sender }, theirs))
    }

    /// Ends when the child asks for another task.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Answers a child that asked with the task of `job`, as JSON.
    pub(super) fn give(&self, job: &Job, task: Vec<u8>) {
        self.current.set(job);
        // A child that is gone is seen to be gone.
        let _ = self.tasks.try_send(task);
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
async fn serve(mut socket: UnixStream, source: &mut Source) -> io::Result<()> {
    loop {
        let mut request = [0; REQUEST_LEN];
        socket.read_exact(&mut request).await?;
        if request == NEXT_TASK {
            source.asked.notify_one();
            let task = source.tasks.recv().await.unwrap_or_default();
            socket.write_all(&(task.len() as i64).to_le_bytes()).await?;
            socket.write_all(&task).await?;
            continue;
        }
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
                let span = source.current.span();
                tracing::warn!(parent: &span, error = %error, source.key = %source.key, "a read failed");
                source.fail(&error);
                socket.write_all(&READ_FAILED.to_le_bytes()).await?;
            }
        }
        source.current.touch();
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
