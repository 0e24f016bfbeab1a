//! A chunk of the file as a request body that tells how much of it went out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::Error;

const READ_BYTES: usize = 256 << 10;
/// Neither a byte accepted nor an answer for this long: the connection is dead, even if nobody
/// said so.
const STALL: Duration = Duration::from_secs(60);

/// Counts the bytes of one chunk that were handed to the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends when no byte moved for a minute.
    pub(super) async fn stalled(&self) -> Error {
        let mut before = self.get();
        loop {
            tokio::time::sleep(STALL).await;
            let now = self.get();
            if now == before {
                return Error::silent(STALL.as_secs());
            }
            before = now;
        }
    }
}

/// The next `length` bytes of `file`; `sent` hears how many of them are out.
pub(super) fn chunk(
    file: File,
    length: u64,
    meter: Meter,
    sent: impl Fn(u64) + Send + Sync + 'static,
) -> reqwest::Body {
    let bytes = ReaderStream::with_capacity(file.take(length), READ_BYTES);
    reqwest::Body::wrap_stream(bytes.inspect_ok(move |piece| {
        let piece = piece.len() as u64;
        sent(meter.0.fetch_add(piece, Ordering::Relaxed) + piece);
    }))
}
