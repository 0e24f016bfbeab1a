//! Boxes of protected tracks (ISO/IEC 23001-7 7, 8; 14496-12 8.7.8, 8.7.9, 8.12).

use super::{
    Protection, Scheme,
    cipher::{CRYPT_BLOCKS, SKIP_BLOCKS},
    subsample::Subsample,
};
use crate::boxes::BoxWriter;

/// Bytes of a counter mode vector in `senc`.
pub(super) const VECTOR_BYTES: u8 = 8;
/// `senc` flags: samples are described in parts.
const USE_SUBSAMPLES: u32 = 2;
/// `schm` version 1.0.
const SCHEME_VERSION: u32 = 0x0001_0000;

/// Protection scheme information of an entry that was `original`.
pub(super) fn write_sinf(
    w: &mut BoxWriter,
    original: [u8; 4],
    protection: &Protection,
    is_video: bool,
) {
    w.boxed(b"sinf", |w| {
        w.boxed(b"frma", |w| w.bytes(&original));
        w.full_box(b"schm", 0, 0, |w| {
            w.bytes(protection.scheme.code());
            w.u32(SCHEME_VERSION);
        });
        w.boxed(b"schi", |w| write_tenc(w, protection, is_video));
    });
}

fn write_tenc(w: &mut BoxWriter, protection: &Protection, is_video: bool) {
    let id = &protection.key.id.0;
    match protection.scheme {
        Scheme::Cenc => w.full_box(b"tenc", 0, 0, |w| {
            w.bytes(&[0, 0, 1, VECTOR_BYTES]);
            w.bytes(id);
        }),
        Scheme::Cbcs => w.full_box(b"tenc", 1, 0, |w| {
            // Whole samples have no pattern.
            let pattern = if is_video { CRYPT_BLOCKS << 4 | SKIP_BLOCKS } else { 0 };
            w.bytes(&[0, pattern, 1, 0]);
            w.bytes(id);
            w.u8(16);
            w.bytes(&protection.constant_vector());
        }),
    }
}

/// How a sample is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// Its vector, where it has one of its own.
    pub(super) vector: Option<[u8; 8]>,
    pub(super) parts: Vec<Subsample>,
}

impl Described {
    /// Bytes that describe it; it is in parts if any of the track's samples are.
    pub(super) fn size(&self, in_parts: bool) -> usize {
        let vector = if self.vector.is_some() { usize::from(VECTOR_BYTES) } else { 0 };
        vector + if in_parts { 2 + self.parts.len() * 6 } else { 0 }
    }
}

/// `saiz`, `saio` and `senc` of a fragment whose `moof` begins at `moof`. Nothing where samples need
/// no description.
pub(super) fn write_samples(w: &mut BoxWriter, moof: usize, samples: &[Described], in_parts: bool) {
    if samples.iter().all(|sample| sample.size(in_parts) == 0) {
        return;
    }
    write_saiz(w, samples, in_parts);
    let mut offset = 0;
    w.full_box(b"saio", 0, 0, |w| {
        w.u32(1); // entry_count
        offset = w.position();
        w.u32(0);
    });
    let flags = if in_parts { USE_SUBSAMPLES } else { 0 };
    w.full_box(b"senc", 0, flags, |w| {
        w.u32(samples.len() as u32);
        let begin = u32::try_from(w.position() - moof).expect("a moof is smaller than 4 GiB");
        w.patch_u32(offset, begin);
        for sample in samples {
            w.bytes(sample.vector.as_ref().map_or(&[][..], |vector| vector));
            if in_parts {
                w.u16(sample.parts.len() as u16);
                for part in &sample.parts {
                    w.u16(part.clear);
                    w.u32(part.protected);
                }
            }
        }
    });
}

fn write_saiz(w: &mut BoxWriter, samples: &[Described], in_parts: bool) {
    let size = |sample: &Described| sample.size(in_parts) as u8;
    let first = samples.first().map_or(0, size);
    let uniform = samples.iter().all(|sample| size(sample) == first);
    w.full_box(b"saiz", 0, 0, |w| {
        w.u8(if uniform { first } else { 0 });
        w.u32(samples.len() as u32);
        if !uniform {
            samples.iter().for_each(|sample| w.u8(size(sample)));
        }
    });
}
