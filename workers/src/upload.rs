//! What a child made, into the store: created once, never replaced.

use std::{io, path::Path};

use bytes::Bytes;
use kinora_media::{SegmentEntry, TrackId, init_name};
use kinora_plan::encoder::Failure;
use kinora_store::{ByteRange, Condition, Key, ObjectStore, Put, keys};
use tokio::io::AsyncReadExt;

use crate::{
    failure::{Stop, internal, scratch, store},
    job::Job,
};

/// The longest initialisation segment taken from a child, bytes.
const MAX_INIT: u64 = 1 << 20;
/// Bytes compared at a time.
const PIECE: u64 = 1 << 20;

/// Stores the initialisation segment of a generation of a track's parameter sets, or checks that
/// the one there is the same: all chunks of a generation play after it.
pub(crate) async fn init(
    job: &Job,
    track: &TrackId,
    generation: u32,
    file: &Path,
) -> Result<(), Stop> {
    let length = length(file).await?;
    if length == 0 || length > MAX_INIT {
        let text = format!("The encoder's init segment for {track} has {length} bytes.");
        return Err(internal("encoder_result", text).into());
    }
    let bytes = tokio::fs::read(file).await.map_err(|error| scratch("read a result", &error))?;
    let name = init_name(generation);
    let key = keys::track_object(job.message.video, job.message.version, track, &name);
    job.unless_stopped(put_init(&*job.host.store, &key, bytes.into())).await?.map_err(Stop::Failed)
}

async fn put_init(objects: &dyn ObjectStore, key: &Key, bytes: Bytes) -> Result<(), Failure> {
    // Most chunks find it there, and looking is cheaper than a durable write that is refused.
    for _ in 0..2 {
        if let Some((_, stored)) = objects.get(key).await.map_err(|error| store(&error))? {
            return if stored == bytes { Ok(()) } else { Err(parameter_sets_differ(key)) };
        }
        let put = objects.put(key, bytes.clone(), Condition::Absent).await;
        if let Put::Stored { .. } = put.map_err(|error| store(&error))? {
            return Ok(());
        }
    }
    Err(internal("store_corrupt", format!("{key} is there when written and gone when read.")))
}

fn parameter_sets_differ(key: &Key) -> Failure {
    internal(
        "parameter_sets_differ",
        format!("The encoder made other parameter sets than for earlier chunks of {key}."),
    )
}

/// Stores a chunk's segments under `object`. What lies there under this attempt already (the job
/// was delivered twice) must be the same.
pub(crate) async fn media(
    job: &Job,
    track: &TrackId,
    object: &str,
    file: &Path,
    segments: &[SegmentEntry],
) -> Result<(), Stop> {
    let named = segments.iter().try_fold(0_u64, |sum, segment| sum.checked_add(segment.size));
    let key = keys::track_object(job.message.video, job.message.version, track, object);
    self::file(job, &key, file, named.unwrap_or(0)).await
}

/// Stores a file, which must have `named` bytes and at least one. What lies there already must
/// be the same.
pub(crate) async fn file(job: &Job, key: &Key, file: &Path, named: u64) -> Result<(), Stop> {
    let length = length(file).await?;
    if length == 0 || named != length {
        let text = format!("The encoder's file for {key} is not as long as it said.");
        return Err(internal("encoder_result", text).into());
    }
    let objects = &*job.host.store;
    let put = job.unless_stopped(objects.put_file(key, file, Condition::Absent)).await?;
    match put.map_err(|error| store(&error))? {
        Put::Stored { .. } => Ok(()),
        Put::ConditionFailed => {
            job.unless_stopped(same(objects, key, file, length)).await??;
            Ok(())
        }
    }
}

/// Checks that a stored object has the bytes of a file of `length` bytes.
async fn same(
    objects: &dyn ObjectStore,
    key: &Key,
    file: &Path,
    length: u64,
) -> Result<(), Failure> {
    let differs =
        || internal("object_differs", format!("{key} was stored before, with other bytes."));
    let stored = objects.head(key).await.map_err(|error| store(&error))?;
    if stored.is_none_or(|meta| meta.size != length) {
        return Err(differs());
    }
    let opened = tokio::fs::File::open(file).await;
    let mut opened = opened.map_err(|error| scratch("read a result", &error))?;
    let mut ours = Vec::new();
    for offset in (0..length).step_by(PIECE as usize) {
        ours.clear();
        let read = (&mut opened).take(PIECE).read_to_end(&mut ours).await;
        read.map_err(|error| scratch("read a result", &error))?;
        let range = ByteRange { offset, length: PIECE };
        let theirs = objects.get_range(key, range).await.map_err(|error| store(&error))?;
        if theirs.is_none_or(|theirs| theirs != ours) {
            return Err(differs());
        }
    }
    Ok(())
}

/// Bytes of a result, which must be a file: a link could lead out of scratch.
async fn length(file: &Path) -> Result<u64, Failure> {
    match tokio::fs::symlink_metadata(file).await {
        Ok(meta) if meta.is_file() => Ok(meta.len()),
        Ok(_) => Err(internal("encoder_result", "The encoder's result is not a file.")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(internal("encoder_result", "The encoder left out a result that it announced."))
        }
        Err(error) => Err(scratch("look at a result", &error)),
    }
}
