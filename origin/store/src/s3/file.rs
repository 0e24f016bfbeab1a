//! The file that is to be stored: its hash, and its bytes a part at a time.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::stamp;

/// The smallest part an upload is cut into, bytes; what is not longer travels whole.
const PART: u64 = 16 << 20;
/// S3 takes 10 000 parts; some are left for whoever counts otherwise.
const PARTS: u64 = 9000;

/// An open file. All that is said of it, and its bytes, come from one opening, so a replacement
/// in between does not mix two.
#[derive(Debug, Clone)]
pub(super) struct Source {
    file: Arc<File>,
    /// Bytes.
    pub(super) length: u64,
}

/// A piece of a file.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) bytes: Bytes,
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
            let (mut hasher, mut buffer, mut offset) = (Sha256::new(), vec![0; 256 << 10], 0);
            while offset < length {
                let rest = usize::try_from(length - offset).unwrap_or(usize::MAX);
                let wanted = rest.min(buffer.len());
                file.read_exact_at(&mut buffer[..wanted], offset)?;
                hasher.update(&buffer[..wanted]);
                offset += wanted as u64;
            }
            Ok(hasher.finalize().into())
        })
        .await
    }

    /// Bytes of every part but the last.
    pub(super) fn part_length(&self) -> u64 {
        part_length(self.length)
    }

    /// Part `index`, from 0.
    pub(super) async fn part(&self, index: u64) -> io::Result<Part> {
        let Self { file, length } = self.clone();
        let offset = index.saturating_mul(part_length(length));
        let wanted = length.saturating_sub(offset).min(part_length(length));
        blocking(move || {
            let wanted = usize::try_from(wanted).map_err(io::Error::other)?;
            let mut bytes = Vec::with_capacity(wanted.max(mapped(wanted)));
            bytes.resize(wanted, 0);
            file.read_exact_at(&mut bytes, offset)?;
            Ok(Part { md5: stamp::content_md5(&bytes), bytes: bytes.into() })
        })
        .await
    }
}

/// What is asked of the allocator for a piece of so many bytes. glibc keeps what is freed for the
/// thread that freed it, up to twice the largest that was ever freed, and each of many threads reads a
/// piece now and then: fifty uploads took half a GB so. Above 32 MiB it gives everything back at once,
/// and what is not touched takes no memory.
fn mapped(bytes: usize) -> usize {
    if bytes < 1 << 20 { bytes } else { (32 << 20) + 1 }
}

fn part_length(length: u64) -> u64 {
    PART.max(length.div_ceil(PARTS))
}

async fn blocking<T: Send + 'static>(
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
