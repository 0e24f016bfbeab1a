//! Looking and reading.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Inner, etag, failure, is_absent};
use crate::{ByteRange, Key, ObjectMeta, StoreError};

impl Inner {
    pub(super) fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        let path = self.path(key);
        match open(&path).map_err(failure(key.as_str(), "open"))? {
            Some((file, metadata)) => self.meta(key, &path, &file, &metadata).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        let path = self.path(key);
        let Some((mut file, metadata)) = open(&path).map_err(failure(key.as_str(), "open"))? else {
            return Ok(None);
        };
        let meta = self.meta(key, &path, &file, &metadata)?;
        let mut body = Vec::with_capacity(usize::try_from(meta.size).unwrap_or_default());
        file.read_to_end(&mut body).map_err(failure(key.as_str(), "read"))?;
        // Small objects steer everything else, so they are worth the microseconds.
        let found = etag::text(&Sha256::digest(&body).into());
        if found != meta.etag {
            let what = format!("SHA-256 is {found}, was {}", meta.etag);
            return Err(StoreError::Corrupt { key: key.to_string(), what });
        }
        Ok(Some((meta, body.into())))
    }

    pub(super) fn get_range(
        &self,
        key: &Key,
        range: ByteRange,
    ) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(key);
        let Some((file, metadata)) = open(&path).map_err(failure(key.as_str(), "open"))? else {
            return Ok(None);
        };
        let length = range.length.min(metadata.size().saturating_sub(range.offset));
        let mut body = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut body, range.offset).map_err(failure(key.as_str(), "read"))?;
        Ok(Some(body.into()))
    }

    pub(super) fn meta(
        &self,
        key: &Key,
        path: &Path,
        file: &File,
        metadata: &Metadata,
    ) -> Result<ObjectMeta, StoreError> {
        let etag = etag::of(file, path, self.attributes).map_err(failure(key.as_str(), "look"))?;
        let modified_at_us =
            metadata.mtime().saturating_mul(1_000_000) + metadata.mtime_nsec() / 1000;
        Ok(ObjectMeta { key: key.clone(), size: metadata.size(), etag, modified_at_us })
    }
}

/// The file, if there is one of that name. All that is said of an object comes from one open
/// file, so a replacement in between does not mix two.
pub(super) fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata)))
}
