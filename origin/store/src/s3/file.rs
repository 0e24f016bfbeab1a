//! The file that is to be stored: its digests, and its bytes a piece at a time, so that it never lies in
//! memory, however long it is and however many of them there are.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::{Stream, stream};
use sha2::{Digest, Sha256};

use super::stamp::ContentMd5;

/// The smallest part an upload is cut into, bytes; what is not longer travels whole.
const PART: u64 = 16 << 20;
/// S3 takes 10 000 parts; some are left for whoever counts otherwise.
const PARTS: u64 = 9000;
/// Bytes that are read at once. The HTTP client asks for half a dozen of them ahead of the network.
const PIECE: u64 = 64 << 10;

/// An open file. All that is said of it, and its bytes, come from one opening, so a replacement
/// in between does not mix two.
#[derive(Debug, Clone)]
pub(super) struct Source {
    file: Arc<File>,
    /// Bytes.
    pub(super) length: u64,
}

/// A part of a file. Its bytes are read each time it is sent; should they have changed since they were
/// digested, the server says so.
#[derive(Debug, Clone)]
pub(super) struct Part {
    file: Arc<File>,
    offset: u64,
    /// Bytes.
    pub(super) length: u64,
    /// As `Content-MD5` has it.
    pub(super) md5: String,
}

impl Source {
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        let path: PathBuf = path.to_owned();
        blocking(move || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            Ok(Self { file: Arc::new(file), length: metadata.len() })
        })
        .await
    }

    /// SHA-256 of all bytes: one pass over the file.
    pub(super) async fn sha256(&self) -> io::Result<[u8; 32]> {
        let Self { file, length } = self.clone();
        blocking(move || {
            let mut digest = Sha256::new();
            read(&file, 0, length, |bytes| digest.update(bytes))?;
            Ok(digest.finalize().into())
        })
        .await
    }

    /// Bytes of every part but the last.
    pub(super) fn part_length(&self) -> u64 {
        part_length(self.length)
    }

    /// Part `index`, from 0: one pass over it.
    pub(super) async fn part(&self, index: u64) -> io::Result<Part> {
        let offset = index.saturating_mul(self.part_length());
        let length = self.length.saturating_sub(offset).min(self.part_length());
        let file = self.file.clone();
        blocking(move || {
            let mut digest = ContentMd5::default();
            read(&file, offset, length, |bytes| digest.update(bytes))?;
            Ok(Part { md5: digest.text(), file, offset, length })
        })
        .await
    }
}

impl Part {
    /// Its bytes, in order.
    pub(super) fn pieces(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let end = self.offset + self.length;
        let read = move |offset: u64| {
            let file = self.file.clone();
            async move {
                let length = (end - offset).min(PIECE);
                if length == 0 {
                    return Ok(None);
                }
                let piece = blocking(move || {
                    let mut bytes = vec![0; length as usize];
                    file.read_exact_at(&mut bytes, offset)?;
                    Ok(Bytes::from(bytes))
                });
                Ok(Some((piece.await?, offset + length)))
            }
        };
        stream::try_unfold(self.offset, read)
    }
}

/// Gives `length` bytes from `offset` away, a piece at a time.
fn read(file: &File, offset: u64, length: u64, mut give: impl FnMut(&[u8])) -> io::Result<()> {
    let (mut buffer, mut done) = ([0; PIECE as usize], 0);
    while done < length {
        let piece = &mut buffer[..(length - done).min(PIECE) as usize];
        file.read_exact_at(piece, offset + done)?;
        give(piece);
        done += piece.len() as u64;
    }
    Ok(())
}

fn part_length(length: u64) -> u64 {
    PART.max(length.div_ceil(PARTS))
}

/// Does what waits for a disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being torn down.
            Err(_) => Err(io::ErrorKind::Interrupted.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_few_enough_and_cover_the_file() {
        for length in [1, PART, PART + 1, PART * PARTS, PART * PARTS + 1, 5 << 40] {
            let part = part_length(length);
            assert!(part >= PART && length.div_ceil(part) <= PARTS, "{length}");
            assert!(part <= 5 << 30, "S3's largest part");
        }
    }
}
