//! The ETag: SHA-256 of the bytes, computed once while they are written.
//!
//! It is kept as an extended attribute of the file, so it moves with the bytes and a look never
//! reads them. Where a filesystem has no such attributes (NFS 3, older tmpfs) it lies in a file
//! beside the object that also names the inode, size and time it was computed for: if those
//! differ it is not believed. An object without either (restored from a backup) is hashed once.

use std::{
    fmt::Write as _,
    fs::{File, Metadata},
    io::{self, Read, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{XattrFlags, fgetxattr, fsetxattr},
    io::Errno,
};
use sha2::{Digest, Sha256};

const ATTRIBUTE: &str = "user.kinora.sha256";

/// SHA-256 of an object's bytes.
pub(super) type Hash = [u8; 32];

/// As the port has it.
pub(super) fn text(hash: &Hash) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether this filesystem takes extended attributes, tried on a file of ours.
pub(super) fn attributes_work(file: &File) -> bool {
    write_attribute(file, &[0; 32]).is_ok()
}

/// Attaches its hash to a file.
pub(super) fn write_attribute(file: &File, hash: &Hash) -> io::Result<()> {
    Ok(fsetxattr(file, ATTRIBUTE, hash, XattrFlags::empty())?)
}

/// Puts the hash of the file `file`, which is or is about to become `object`, beside it.
pub(super) fn write_sidecar(file: &File, object: &Path, hash: &Hash) -> io::Result<()> {
    let (Some(folder), sidecar) = (object.parent(), sidecar(object)) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut temporary = super::folder::temporary_in(folder)?;
    write!(temporary, "{} {}", text(hash), identity(&file.metadata()?))?;
    // Not flushed: a torn one is not believed.
    temporary.persist(sidecar).map_err(|error| error.error)?;
    Ok(())
}

/// The sidecar's name.
pub(super) fn sidecar(object: &Path) -> PathBuf {
    let name = object.file_name().unwrap_or_default().to_string_lossy();
    object.with_file_name(format!("{SIDECAR}{name}"))
}

/// How a sidecar's name begins.
pub(super) const SIDECAR: &str = ".etag-";

/// The ETag that was recorded for the open file `file` of `object`, or one computed now and
/// recorded for the next look.
pub(super) fn of(file: &File, object: &Path, attributes: bool) -> io::Result<String> {
    if let Some(known) = recorded(file, object)? {
        return Ok(known);
    }
    tracing::warn!(store.object = %object.display(), "object has no recorded hash: hashing it");
    let hash = hash(file)?;
    let kept =
        if attributes { write_attribute(file, &hash) } else { write_sidecar(file, object, &hash) };
    if let Err(error) = kept {
        tracing::warn!(store.object = %object.display(), %error, "cannot record the hash");
    }
    Ok(text(&hash))
}

/// SHA-256 of all of a file.
pub(super) fn hash(file: &File) -> io::Result<Hash> {
    let (mut hasher, mut buffer, mut offset) = (Sha256::new(), vec![0; 256 << 10], 0);
    loop {
        match file.read_at(&mut buffer, offset)? {
            0 => return Ok(hasher.finalize().into()),
            n => {
                hasher.update(&buffer[..n]);
                offset += n as u64;
            }
        }
    }
}

/// Copies all of `from`, hashing on the way.
pub(super) fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<Hash> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 256 << 10]);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                to.write_all(&buffer[..n])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn recorded(file: &File, object: &Path) -> io::Result<Option<String>> {
    let mut hash = [0; 32];
    match fgetxattr(file, ATTRIBUTE, &mut hash) {
        Ok(32) => return Ok(Some(text(&hash))),
        Ok(_) | Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => {}
        Err(error) => return Err(error.into()),
    }
    let Ok(sidecar) = std::fs::read_to_string(sidecar(object)) else { return Ok(None) };
    let identity = identity(&file.metadata()?);
    let believed = sidecar.split_once(' ').filter(|(hash, of)| hash.len() == 64 && *of == identity);
    Ok(believed.map(|(hash, _)| hash.to_owned()))
}

/// What tells a file from any other that ever bore its name.
fn identity(metadata: &Metadata) -> String {
    format!(
        "{} {} {}.{:09}",
        metadata.ino(),
        metadata.size(),
        metadata.mtime(),
        metadata.mtime_nsec()
    )
}
