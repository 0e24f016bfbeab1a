//! The initialisation segment of a protected track, from that of the clear one.

use bytes::Bytes;

use super::{CryptError, Protection, boxes::write_sinf, pssh};
use crate::{
    boxes::BoxWriter,
    read::{BoxRef, Children, Fields},
};

/// The way to the sample entries.
const PATH: [&[u8; 4]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];

/// Everything stays as it is but the sample entry, which says how it is protected, and the movie,
/// which lists keys for systems that look for them there.
pub(super) fn protect(
    init: &[u8],
    protection: &Protection,
    is_video: bool,
) -> Result<Bytes, CryptError> {
    let mut w = BoxWriter::with_capacity(init.len() + 256 + 16 * protection.others.len());
    copy(&mut w, Children(Fields::new(init, 0)), &PATH, protection, is_video)?;
    Ok(w.finish())
}

fn copy(
    w: &mut BoxWriter,
    boxes: Children<'_>,
    path: &[&[u8; 4]],
    protection: &Protection,
    is_video: bool,
) -> Result<(), CryptError> {
    for found in boxes {
        let found = found?;
        let Some((code, path)) = path.split_first() else {
            write_entry(w, &found, protection, is_video);
            continue;
        };
        if found.code != **code {
            w.bytes(found.bytes);
            continue;
        }
        let mut fields = found.fields();
        let mut copied = Ok(());
        w.boxed(code, |w| {
            if **code == *b"stsd" {
                // Version, flags and the count of entries.
                match fields.take(8) {
                    Ok(head) => w.bytes(head),
                    Err(error) => copied = Err(error.within(found.code).into()),
                }
            }
            if copied.is_ok() {
                copied = copy(w, Children(fields), path, protection, is_video);
            }
            if **code == *b"moov" {
                let own = protection.key.id;
                let all = [&[own], &protection.others[..]].concat();
                pssh::write_common(w, &all);
                pssh::write_widevine(w, &[own]);
            }
        });
        copied?;
    }
    Ok(())
}

fn write_entry(w: &mut BoxWriter, entry: &BoxRef<'_>, protection: &Protection, is_video: bool) {
    w.boxed(if is_video { b"encv" } else { b"enca" }, |w| {
        w.bytes(entry.fields().rest());
        write_sinf(w, entry.code, protection, is_video);
    });
}
