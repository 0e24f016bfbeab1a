//! Whether scratch can hold the files of one job more.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use kinora_plan::{
    encoder::{AudioSpec, ChunkSpec, Failure, WAITING_FOR_DISK},
    job::JobPayload,
};

use crate::failure::resource;

/// What a job writes besides media: its task, initialisation segments, boxes.
const EXTRAS: u64 = 4 << 20;
const SECOND_NS: u64 = 1_000_000_000;

/// The disk of scratch, and what jobs that run may still write there.
#[derive(Debug)]
pub(crate) struct Room {
    folder: PathBuf,
    reserve: u64,
    promised: Arc<AtomicU64>,
}

/// Room for one job, given back when dropped.
#[derive(Debug)]
pub(crate) struct Promise {
    promised: Arc<AtomicU64>,
    bytes: u64,
}

impl Room {
    pub(crate) fn new(folder: &Path, reserve_mib: u64) -> Self {
        let reserve = reserve_mib.saturating_mul(1 << 20);
        Self { folder: folder.to_owned(), reserve, promised: Arc::default() }
    }

    /// Promises room to a job of `worker`.
    ///
    /// # Errors
    /// There is not enough: the job should wait for it.
    pub(crate) fn promise(&self, payload: &JobPayload, worker: &str) -> Result<Promise, Failure> {
        let bytes = estimate(payload);
        let before = self.promised.fetch_add(bytes, Ordering::Relaxed);
        let promise = Promise { promised: Arc::clone(&self.promised), bytes };
        // A disk that cannot be asked is left to the write that fails on it.
        let Ok(disk) = rustix::fs::statvfs(&self.folder) else { return Ok(promise) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        // Jobs that run have written part of what they were promised: this errs to the safe side.
        let needed = bytes.saturating_add(before).saturating_add(self.reserve);
        if free >= needed {
            return Ok(promise);
        }
        Err(resource(
            WAITING_FOR_DISK,
            format!(
                "It waits for disk on {worker}: {} has {} MiB free and {} MiB are needed; make room \
                 there.",
                self.folder.display(),
                free >> 20,
                needed.div_ceil(1 << 20)
            ),
        ))
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.promised.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The most a job should write. Its rate control may exceed a rung's cap for moments only, and the
/// parts of a soundtrack go as they are stored, but nobody knows how fast.
fn estimate(payload: &JobPayload) -> u64 {
    let media = match payload {
        JobPayload::EncodeChunk(spec) => of_chunk(spec),
        JobPayload::EncodeAudio { spec, .. } => of_sound(spec),
        _ => 0,
    };
    media.saturating_add(media / 8).saturating_add(EXTRAS)
}

fn of_chunk(spec: &ChunkSpec) -> u64 {
    let length_ns = spec.video.frame_rate.frame_nanos(spec.chunk.frames);
    let kbps: u64 = spec.rungs.iter().map(|rung| u64::from(rung.max_kbps)).sum();
    bytes(kbps.saturating_mul(1000), length_ns)
}

fn of_sound(spec: &AudioSpec) -> u64 {
    let sound_ns = spec.audio.end_pts_ns.saturating_sub(spec.origin_ns);
    bytes(u64::from(spec.bitrate), spec.duration_ns.max(sound_ns))
}

fn bytes(bits_a_second: u64, length_ns: u64) -> u64 {
    let bits = u128::from(bits_a_second) * u128::from(length_ns) / u128::from(SECOND_NS);
    u64::try_from(bits / 8).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use kinora_plan::encoder::{FailureKind, ProbeSpec};

    use super::*;

    #[test]
    fn promises_add_up_and_are_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let probe = JobPayload::Probe(ProbeSpec::new(1));
        let disk = rustix::fs::statvfs(folder.path()).unwrap();
        let free_mib = (disk.f_bavail * disk.f_frsize) >> 20;
        let room = Room::new(folder.path(), 0);
        let promise = room.promise(&probe, "w").unwrap();
        assert_eq!(room.promised.load(Ordering::Relaxed), EXTRAS);
        drop(promise);
        assert_eq!(room.promised.load(Ordering::Relaxed), 0);

        let full = Room::new(folder.path(), free_mib * 2 + 1024);
        let failure = full.promise(&probe, "w").unwrap_err();
        assert_eq!((failure.kind, &*failure.code), (FailureKind::Resource, WAITING_FOR_DISK));
        assert!(failure.message.contains("waits for disk on w"), "{failure:?}");
        assert_eq!(full.promised.load(Ordering::Relaxed), 0, "what is refused is not promised");
    }

    #[test]
    fn a_minute_of_five_megabits_is_about_forty_megabytes() {
        assert_eq!(bytes(5_000_000, 60 * SECOND_NS), 37_500_000);
        assert_eq!(bytes(u64::MAX, u64::MAX), u64::MAX);
    }
}
