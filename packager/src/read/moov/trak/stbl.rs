//! Sample table (14496-12 8.5.1): samples of a progressive file, described in columns.

mod chunk_offsets;
mod ctts;
mod sizes;
mod stsc;
mod stsd;
mod stss;
mod stts;
mod walk;

pub(in crate::read) use walk::TableSamples;

use chunk_offsets::ChunkOffsets;
use sizes::Sizes;

use crate::read::{BoxRef, ReadError, Rows, SampleEntry, pick};

pub(super) struct SampleTable<'a> {
    pub(super) entries: Vec<SampleEntry<'a>>,
    pub(super) tables: Tables<'a>,
}

/// The columns.
#[derive(Debug, Clone)]
pub(in crate::read) struct Tables<'a> {
    sizes: Sizes<'a>,
    /// Count, duration.
    times: Rows<'a, 2>,
    /// Count, composition offset; absent where it is always 0.
    composition: Option<Rows<'a, 2>>,
    /// First chunk, samples a chunk, sample entry.
    chunks: Rows<'a, 3>,
    offsets: ChunkOffsets<'a>,
    /// Numbers of key frames; absent where all are.
    keys: Option<Rows<'a, 1>>,
}

impl Tables<'_> {
    /// How many samples there are that no row describes.
    pub(in crate::read) fn samples_of_one_size(&self) -> u32 {
        if let Sizes::Same(_, count) = self.sizes { count } else { 0 }
    }
}

pub(super) fn read<'a>(stbl: &BoxRef<'a>, file_length: u64) -> Result<SampleTable<'a>, ReadError> {
    let [stsd, stts, stsc, stco, co64] = pick(stbl, [b"stsd", b"stts", b"stsc", b"stco", b"co64"])?;
    let [stsz, stz2, ctts, stss] = pick(stbl, [b"stsz", b"stz2", b"ctts", b"stss"])?;
    let needed = |found: Option<BoxRef<'a>>, name| found.ok_or_else(|| stbl.missing(name));
    let entries = needed(stsd, "stsd")?.read_with(stsd::read)?;
    let sizes = match (stsz, stz2) {
        (Some(stsz), _) => stsz.read_with(|stsz| Sizes::read(stsz, file_length))?,
        (None, Some(stz2)) => stz2.read_with(Sizes::read_compact)?,
        (None, None) => return Err(stbl.missing("stsz")),
    };
    let offsets = match (stco, co64) {
        (Some(stco), _) => stco.read_with(ChunkOffsets::read)?,
        (None, Some(co64)) => co64.read_with(ChunkOffsets::read_long)?,
        (None, None) => return Err(stbl.missing("stco")),
    };
    let tables = Tables {
        sizes,
        times: needed(stts, "stts")?.read_with(stts::read)?,
        composition: ctts.map(|ctts| ctts.read_with(ctts::read)).transpose()?,
        chunks: needed(stsc, "stsc")?.read_with(stsc::read)?,
        offsets,
        keys: stss.map(|stss| stss.read_with(stss::read)).transpose()?,
    };
    Ok(SampleTable { entries, tables })
}
