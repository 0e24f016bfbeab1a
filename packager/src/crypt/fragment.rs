//! One fragment, encrypted.

use std::ops::Range;

use super::{
    CryptError, Encryptor, Scheme, Sealed,
    boxes::{Described, VECTOR_BYTES, write_samples},
    cipher,
    layout::Layout,
};
use crate::{
    boxes::BoxWriter,
    cmaf::fragment::{MAX_MEDIA_BYTES, MAX_SAMPLES},
    read::{self, BoxRef, Children, Fields, Header},
};

/// `trun` flags: it says where its data begins; `tfhd` flags: data counts from a place in the file.
const DATA_OFFSET: u32 = 1;
const BASE_DATA_OFFSET: u32 = 1;

pub(super) fn seal(
    encryptor: &Encryptor,
    number: u32,
    fragment: &mut [u8],
) -> Result<Sealed, CryptError> {
    let length = fragment.len();
    let place = find(fragment)?;
    let (before, media) = fragment.split_at_mut(place.media);
    let moof = BoxRef::read(&before[place.moof.clone()], place.moof.start as u64)?;
    let sizes = sizes(encryptor, &moof, length, place.media)?;
    let samples = encrypt(encryptor, number, media, place.media, &sizes)?;

    let mut w = BoxWriter::with_capacity(before.len() + 64 + samples.len() * 24);
    w.bytes(&before[..place.moof.start]);
    write_moof(&mut w, &moof, &samples, encryptor.layout.in_parts())?;
    w.bytes(&before[place.moof.end..]);
    let head = w.finish();
    let first = u64::from(sizes.first().copied().unwrap_or(0));
    let first_sample_end = head.len() as u64 + first;
    Ok(Sealed { head, media: place.media..length, first_sample_end })
}

/// Where the only fragment lies.
struct Place {
    moof: Range<usize>,
    /// Where samples begin; they reach to the end.
    media: usize,
}

fn find(fragment: &[u8]) -> Result<Place, CryptError> {
    let (mut offset, mut moof) = (0, None);
    loop {
        let rest = &fragment[offset..];
        let header = Header::read(rest, offset as u64)?;
        let size = header.size.unwrap_or(rest.len() as u64);
        if header.code == *b"mdat" {
            if size != rest.len() as u64 {
                return Err(CryptError::Form("a fragment ends with its mdat"));
            }
            let moof = moof.ok_or(CryptError::Form("a fragment has a moof before its mdat"))?;
            return Ok(Place { moof, media: offset + header.length as usize });
        }
        let whole = BoxRef::read(rest, offset as u64)?.bytes.len();
        if header.code == *b"moof" && moof.replace(offset..offset + whole).is_some() {
            return Err(CryptError::Form("one fragment is encrypted at a time"));
        }
        offset += whole;
    }
}

/// Bytes of the samples, which must follow each other from `media` to the end.
fn sizes(
    encryptor: &Encryptor,
    moof: &BoxRef<'_>,
    length: usize,
    media: usize,
) -> Result<Vec<u32>, CryptError> {
    let outside = CryptError::Form("the samples of a fragment fill its mdat in order");
    if length - media > MAX_MEDIA_BYTES {
        return Err(CryptError::Form("a fragment has at most 1 GiB of media"));
    }
    let file = read::open(&encryptor.clear_init)?;
    let file = file.with_fragment(moof.bytes, moof.offset, length as u64);
    let tracks = file.tracks()?;
    let mut sizes = Vec::new();
    let mut expected = media as u64;
    for sample in tracks.iter().flat_map(|track| track.samples()) {
        let sample = sample?;
        if sample.offset != expected {
            return Err(outside);
        }
        if sizes.len() == MAX_SAMPLES {
            return Err(CryptError::Form("a fragment has at most 1048576 samples"));
        }
        expected += u64::from(sample.size);
        sizes.push(sample.size);
    }
    if expected == length as u64 { Ok(sizes) } else { Err(outside) }
}

/// Encrypts the samples in `media`, which begins at `offset` of the fragment.
fn encrypt(
    encryptor: &Encryptor,
    number: u32,
    media: &mut [u8],
    offset: usize,
    sizes: &[u32],
) -> Result<Vec<Described>, CryptError> {
    let Encryptor { protection, chaining, .. } = encryptor;
    // Pictures refer to what stands before them in the fragment, and to nothing before that.
    let mut layout = encryptor.layout.clone();
    let is_counted = protection.scheme == Scheme::Cenc;
    let vector_bytes = if is_counted { usize::from(VECTOR_BYTES) } else { 0 };
    let whole_blocks = is_counted || layout.needs_whole_blocks();
    let mut described = Vec::with_capacity(sizes.len());
    let (mut rest, mut offset) = (media, offset as u64);
    for (sample, &size) in (0_u32..).zip(sizes) {
        let (bytes, after) = rest.split_at_mut(size as usize);
        let parts = layout
            .divide(bytes, whole_blocks, vector_bytes)
            .map_err(|fault| CryptError::Sample { sample, offset, fault })?;
        let vector = is_counted.then(|| protection.vector(number, sample));
        match (vector, &layout) {
            (Some(vector), _) => cipher::count(&protection.key.key, vector, bytes, &parts),
            (None, Layout::Whole) => chaining.whole(bytes),
            (None, _) => chaining.pattern(bytes, &parts),
        }
        described.push(Described { vector, parts });
        (rest, offset) = (after, offset + u64::from(size));
    }
    Ok(described)
}

/// The `moof` as it was, with what describes the samples.
fn write_moof(
    w: &mut BoxWriter,
    moof: &BoxRef<'_>,
    samples: &[Described],
    in_parts: bool,
) -> Result<(), CryptError> {
    let start = w.position();
    let mut data_offsets = Vec::new();
    let mut written = Ok(());
    w.boxed(b"moof", |w| {
        written = moof.read_with(|moof| {
            for child in moof.children() {
                let child = child?;
                if child.code == *b"traf" {
                    let mut traf = Ok(());
                    w.boxed(b"traf", |w| {
                        traf = child.read_with(|traf| write_traf(w, traf, &mut data_offsets));
                        write_samples(w, start, samples, in_parts);
                    });
                    traf?;
                } else {
                    w.bytes(child.bytes);
                }
            }
            Ok(())
        });
    });
    written?;
    let grown = (w.position() - start).wrapping_sub(moof.bytes.len()) as u32;
    for (position, offset) in data_offsets {
        w.patch_u32(position, offset.wrapping_add(grown));
    }
    Ok(())
}

/// What is in a `traf`; where it says where data begins, and what it says.
fn write_traf(
    w: &mut BoxWriter,
    traf: &BoxRef<'_>,
    data_offsets: &mut Vec<(usize, u32)>,
) -> Result<(), read::ReadError> {
    for child in Children(traf.fields()) {
        let child = child?;
        let header = child.bytes.len() - child.fields().rest().len();
        let begin = w.position();
        w.bytes(child.bytes);
        let mut fields: Fields<'_> = child.fields();
        if child.code == *b"trun" {
            let (_, flags) = fields.version_and_flags()?;
            fields.skip(4)?; // sample_count
            if flags & DATA_OFFSET != 0 {
                data_offsets.push((begin + header + 8, fields.u32()?));
            }
        } else if child.code == *b"tfhd" && fields.version_and_flags()?.1 & BASE_DATA_OFFSET != 0 {
            let problem = read::Problem::Unsupported("a base data offset");
            return Err(read::ReadError::new(child.offset, problem));
        }
    }
    Ok(())
}
