//! Everything of one store in another: where objects move from files to a bucket, or back.
//!
//! A copy may be cut off and begun again: what is there already is left alone, since objects are
//! whole or absent and, but for heads, never change. [`compare`] says afterwards whether both hold
//! the same bytes.

use std::{
    io::{Seek, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{ByteRange, Condition, Key, ObjectMeta, ObjectStore, Put, StoreError, keys};

/// Objects up to this many bytes travel in memory.
const WHOLE: u64 = 16 << 20;
/// Longer ones are read in pieces of this many.
const PIECE: u64 = 8 << 20;
/// Objects looked up at a time.
const PAGE: usize = 1000;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there, and is now.
    Copied,
    /// It was there already.
    There,
    /// A head was there that has changed since.
    Replaced,
}

/// Why a transfer ended.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// One of the stores.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder for objects on their way.
    #[error("an object on its way cannot be kept: {0}")]
    Scratch(#[from] std::io::Error),
    /// Somebody uses one of the stores.
    #[error("{0} changed meanwhile: stop every kinorad that uses one of the stores, then go on")]
    Changed(Key),
    /// The same key has other bytes.
    #[error("{0} is another object in each store: remove it where it is wrong, then go on")]
    Differs(Key),
}

/// The first objects after `after`, in key order; empty when there are no more.
///
/// # Errors
/// The store's.
pub async fn page(
    store: &dyn ObjectStore,
    after: Option<&Key>,
) -> Result<Vec<ObjectMeta>, StoreError> {
    for folder in keys::FOLDERS {
        // All of an earlier folder lies before `after`.
        if after
            .is_some_and(|after| after.as_str() >= folder && !after.as_str().starts_with(folder))
        {
            continue;
        }
        let inside = after.filter(|after| after.as_str().starts_with(folder));
        let found = store.list(folder, inside, PAGE).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Copies one object. `scratch` is a folder for long ones on their way.
///
/// # Errors
/// A store's, or the two stores cannot both be right.
pub async fn copy(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    object: &ObjectMeta,
    scratch: &Path,
) -> Result<Outcome, TransferError> {
    let key = &object.key;
    let put = match to.head(key).await? {
        Some(there) if keys::is_head(key) => return replace(from, to, key, &there).await,
        Some(there) if there.size == object.size => return Ok(Outcome::There),
        Some(_) => return Err(TransferError::Differs(key.clone())),
        None if object.size <= WHOLE => {
            let (_, body) = from.get(key).await?.ok_or_else(|| changed(key))?;
            to.put(key, body, Condition::Absent).await?
        }
        None => {
            let mut file = tempfile::NamedTempFile::new_in(scratch)?;
            let mut offset = 0;
            while offset < object.size {
                let range = ByteRange { offset, length: PIECE.min(object.size - offset) };
                let piece = from.get_range(key, range).await?.ok_or_else(|| changed(key))?;
                if piece.len() as u64 != range.length {
                    return Err(changed(key));
                }
                file.write_all(&piece)?;
                offset += range.length;
            }
            file.rewind()?;
            to.put_file(key, file.path(), Condition::Absent).await?
        }
    };
    match put {
        Put::Stored { .. } => Ok(Outcome::Copied),
        Put::ConditionFailed => Err(changed(key)),
    }
}

async fn replace(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    key: &Key,
    there: &ObjectMeta,
) -> Result<Outcome, TransferError> {
    let (_, body) = from.get(key).await?.ok_or_else(|| changed(key))?;
    let (_, old) = to.get(key).await?.ok_or_else(|| changed(key))?;
    if body == old {
        return Ok(Outcome::There);
    }
    match to.put(key, body, Condition::Matches(there.etag.clone())).await? {
        Put::Stored { .. } => Ok(Outcome::Replaced),
        Put::ConditionFailed => Err(changed(key)),
    }
}

/// Whether both stores have the same bytes at the key of `object`.
///
/// # Errors
/// A store's.
pub async fn compare(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    object: &ObjectMeta,
) -> Result<bool, StoreError> {
    Ok(digest(from, object).await? == digest(to, object).await?)
}

/// SHA-256 of an object's bytes as they are read; `None` where it is absent or of another length.
async fn digest(
    store: &dyn ObjectStore,
    object: &ObjectMeta,
) -> Result<Option<[u8; 32]>, StoreError> {
    let key = &object.key;
    if store.head(key).await?.is_none_or(|there| there.size != object.size) {
        return Ok(None);
    }
    let (mut hash, mut offset) = (Sha256::new(), 0);
    while offset < object.size {
        let range = ByteRange { offset, length: PIECE.min(object.size - offset) };
        let Some(piece) = store.get_range(key, range).await? else { return Ok(None) };
        if piece.len() as u64 != range.length {
            return Ok(None);
        }
        hash.update(&piece);
        offset += range.length;
    }
    Ok(Some(hash.finalize().into()))
}

fn changed(key: &Key) -> TransferError {
    TransferError::Changed(key.clone())
}
