//! Memory files: bytes that the kernel sends without a copy, and that nobody can change or cut
//! short any more, this process included.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write as _},
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use memmap2::{Mmap, MmapOptions};
use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
    process::{Resource, getrlimit},
};

use super::budget::Taken;

/// The kernel's limit on mappings of a process is 65 530; half of it is for others.
const MOST: usize = 30_000;

/// A sealed memory file and its mapping.
#[derive(Debug)]
pub(crate) struct Sealed {
    map: Mmap,
    file: File,
    registry: Registry,
    _taken: Taken,
}

/// Which memory files there are, by where they are mapped: so that who is given a slice of bytes
/// to send finds the file it lies in.
#[derive(Debug, Clone)]
pub(crate) struct Registry(Arc<Places>);

#[derive(Debug)]
struct Places {
    by_address: RwLock<BTreeMap<usize, Weak<Sealed>>>,
    count: AtomicUsize,
    most: usize,
    sendfile_bytes: usize,
}

impl Sealed {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        let places = &self.registry.0;
        let mut by_address = places.by_address.write().unwrap_or_else(PoisonError::into_inner);
        // Before the mapping goes and its place is given to another.
        by_address.remove(&address(&self.map));
        places.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Registry {
    /// What has `sendfile_bytes` or more is sent from its file.
    pub(crate) fn new(sendfile_bytes: usize) -> Self {
        // The other half is for connections and the store.
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) / 2;
        let most = usize::try_from(descriptors).unwrap_or(MOST).min(MOST);
        let (by_address, count) = (RwLock::default(), AtomicUsize::new(0));
        Self(Arc::new(Places { by_address, count, most, sendfile_bytes }))
    }

    /// Whether so many bytes are sent from a file rather than copied.
    pub(crate) fn sends(&self, bytes: usize) -> bool {
        bytes >= self.0.sendfile_bytes
    }

    /// `bytes` in a memory file; or they and what was taken for them, where there is none to be
    /// had.
    pub(crate) fn seal(&self, bytes: &[u8], taken: Taken) -> Result<Arc<Sealed>, Taken> {
        if self.0.count.fetch_add(1, Ordering::Relaxed) < self.0.most
            && let Ok((file, map)) = seal(bytes)
        {
            let registry = self.clone();
            let sealed = Arc::new(Sealed { map, file, registry, _taken: taken });
            let mut places = self.0.by_address.write().unwrap_or_else(PoisonError::into_inner);
            places.insert(address(&sealed.map), Arc::downgrade(&sealed));
            return Ok(sealed);
        }
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        Err(taken)
    }

    /// The memory file `bytes` lie in, and where; `None` if they lie elsewhere.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<(Arc<Sealed>, u64)> {
        let begin = bytes.as_ptr().addr();
        let places = self.0.by_address.read().unwrap_or_else(PoisonError::into_inner);
        let (start, sealed) = places.range(..=begin).next_back()?;
        let (start, sealed) = (*start, sealed.upgrade()?);
        // It may be the last to hold it, and letting go takes the lock.
        drop(places);
        let offset = begin - start;
        (offset + bytes.len() <= sealed.map.len()).then_some((sealed, offset as u64))
    }
}

fn address(map: &Mmap) -> usize {
    map.as_ptr().addr()
}

fn seal(bytes: &[u8]) -> io::Result<(File, Mmap)> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(memfd_create("kinora-media", flags)?);
    file.write_all(bytes)?;
    fcntl_add_seals(
        &file,
        SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL,
    )?;
    // A private mapping, because kernels before 6.7 refuse shared ones of sealed files.
    let mut options = MmapOptions::new();
    options.len(bytes.len()).populate();
    // SAFETY: a mapping is unsound if its file changes or shrinks under it. The seals above forbid
    // both, to every process and for ever: the kernel refuses writes, truncation, writable
    // mappings and the removal of seals.
    #[allow(unsafe_code, reason = "the one mapping of the origin, of a file that cannot change")]
    let map = unsafe { options.map_copy_read_only(&file)? };
    Ok((file, map))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::fs::ftruncate;

    use super::*;
    use crate::cache::budget::Budget;

    async fn sealed(registry: &Registry, bytes: &[u8]) -> Arc<Sealed> {
        let budget = Budget::new(1 << 20, Duration::from_secs(1));
        registry.seal(bytes, budget.take(1).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn nothing_changes_what_is_sealed() {
        let registry = Registry::new(0);
        let bytes: Vec<u8> = (0..20_000).map(|n| (n % 251) as u8).collect();
        let sealed = sealed(&registry, &bytes).await;
        assert!((&sealed.file).write_all(b"x").is_err(), "written");
        assert!(ftruncate(sealed.file(), 10).is_err(), "cut short");
        assert!(ftruncate(sealed.file(), 1 << 20).is_err(), "made longer");
        assert!(fcntl_add_seals(sealed.file(), SealFlags::empty()).is_err(), "unsealed");
        assert_eq!(sealed.bytes(), bytes);
    }

    #[tokio::test]
    async fn slices_are_found_and_nothing_else() {
        let registry = Registry::new(0);
        let one = sealed(&registry, &[1; 5000]).await;
        let other = sealed(&registry, &[2; 5000]).await;
        for (file, from) in [(&one, 0), (&one, 4999), (&other, 17)] {
            let (found, offset) = registry.find(&file.bytes()[from..]).unwrap();
            assert!(Arc::ptr_eq(&found, file));
            assert_eq!(offset, from as u64);
        }
        assert!(registry.find(&[1; 100]).is_none(), "on the stack");
        assert!(registry.find(&vec![1; 100_000]).is_none(), "on the heap");
        drop(one);
        assert_eq!(registry.0.by_address.read().unwrap().len(), 1);
        assert_eq!(registry.0.count.load(Ordering::Relaxed), 1);
    }
}
