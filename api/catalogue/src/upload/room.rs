//! Whether the disks can hold what is promised.

use std::{collections::BTreeMap, path::PathBuf};

use rustix::fs::{stat, statvfs};
use sqlx::AnyConnection;

use crate::{core::Core, error::Error, repository::uploads};

/// Refuses an upload of `size` bytes that would leave less than the reserve on a disk that it passes
/// through, once all that was promised to others has come.
///
/// # Errors
/// [`Error::Full`], which names the disk.
pub(super) async fn check(
    core: &Core,
    connection: &mut AnyConnection,
    size: u64,
) -> Result<(), Error> {
    let promised = uploads::outstanding(connection).await?;
    let needed = promised.saturating_add(size).saturating_add(core.config.upload_reserve_bytes);
    let paths = [&core.config.upload_dir].into_iter().chain(&core.config.store_dir).cloned();
    let disks = tokio::task::spawn_blocking({
        let paths: Vec<PathBuf> = paths.collect();
        move || free(&paths)
    });
    for (path, free) in disks.await.map_err(|_| Error::Stopping)? {
        if free < needed {
            return Err(Error::Full(format!(
                "{} has {} MiB free; {} MiB are needed with what other uploads were promised and \
                 the reserve",
                path.display(),
                free >> 20,
                needed.div_ceil(1 << 20),
            )));
        }
    }
    Ok(())
}

/// Free bytes of each filesystem that these folders lie on. One that cannot be asked is left to the
/// write that will fail on it.
fn free(paths: &[PathBuf]) -> Vec<(PathBuf, u64)> {
    let mut disks = BTreeMap::new();
    for path in paths {
        if let (Ok(which), Ok(room)) = (stat(path), statvfs(path)) {
            let free = room.f_bavail.saturating_mul(room.f_frsize);
            disks.entry(which.st_dev).or_insert((path.clone(), free));
        }
    }
    disks.into_values().collect()
}
