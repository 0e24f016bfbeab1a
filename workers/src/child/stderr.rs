//! The child's standard error: into the log, within bounds, and its end kept for the report.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Span;

/// Longer lines are broken, bytes.
const MAX_LINE: u64 = 2048;
/// Lines logged of one child; the rest is read and forgotten.
const MAX_LOGGED: usize = 1000;
/// Bytes kept from the end.
const TAIL: usize = 8 << 10;

/// Reads a child's standard error as long as it lives.
#[derive(Debug)]
pub(super) struct StderrLog {
    task: AbortOnDropHandle<()>,
    tail: Arc<Mutex<Vec<u8>>>,
}

impl StderrLog {
    /// Lines are logged in the span that `about` gives then.
    pub(super) fn start(
        stderr: impl AsyncRead + Send + Unpin + 'static,
        about: impl Fn() -> Span + Send + 'static,
    ) -> Self {
        let tail = Arc::<Mutex<Vec<u8>>>::default();
        let task = tokio::spawn(read(stderr, about, Arc::clone(&tail)));
        Self { task: AbortOnDropHandle::new(task), tail }
    }

    /// The end of what the child said; waits up to `grace` for the pipe to close.
    pub(super) async fn last_words(&mut self, grace: Duration) -> String {
        // A grandchild may keep the pipe open: what came so far will do.
        let _ = timeout(grace, &mut self.task).await;
        let tail = self.tail.lock().expect("nothing panics while it holds this lock");
        String::from_utf8_lossy(&tail).into_owned()
    }
}

async fn read(
    stderr: impl AsyncRead + Send + Unpin,
    about: impl Fn() -> Span,
    tail: Arc<Mutex<Vec<u8>>>,
) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    let mut count = 0_usize;
    while let Ok(1..) = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).await {
        if count < MAX_LOGGED {
            let line = String::from_utf8_lossy(&line);
            tracing::debug!(parent: &about(), encoder.line = %line.trim_end());
        }
        count = count.saturating_add(1);
        let mut tail = tail.lock().expect("nothing panics while it holds this lock");
        tail.extend_from_slice(&line);
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_end_is_kept() {
        let said = format!("{}\nthe end", "x".repeat(100_000));
        let mut log = StderrLog::start(std::io::Cursor::new(said), Span::none);
        let words = log.last_words(Duration::from_secs(5)).await;
        assert!(words.ends_with("\nthe end"));
        assert_eq!(words.len(), TAIL);
    }
}
