//! `trak` (14496-12 8.3.1): one track.

mod elst;
mod hdlr;
mod mdhd;
pub(in crate::read) mod stbl;
mod tkhd;

use crate::read::{BoxRef, ReadError, Track, moof::Defaults, pick};

pub(super) fn read<'a>(
    trak: &BoxRef<'a>,
    movie_timescale: u32,
    file_length: u64,
) -> Result<Track<'a>, ReadError> {
    let [tkhd, edts, mdia] = pick(trak, [b"tkhd", b"edts", b"mdia"])?;
    let header = tkhd.ok_or_else(|| trak.missing("tkhd"))?.read_with(tkhd::read)?;
    let edits = edts.map(|edts| edts.read_with(edits)).transpose()?.unwrap_or_default();
    let mdia = mdia.ok_or_else(|| trak.missing("mdia"))?;
    let media = mdia.read_with(|mdia| media(mdia, file_length))?;
    Ok(Track {
        id: header.id,
        handler: media.handler.code,
        timescale: media.header.timescale,
        movie_timescale,
        language: media.header.language,
        name: media.handler.name,
        matrix: header.matrix,
        width: header.width,
        height: header.height,
        edits,
        entries: media.stbl.entries,
        tables: media.stbl.tables,
        defaults: Defaults::NONE,
        runs: Vec::new(),
        file_length,
    })
}

fn edits(edts: &BoxRef<'_>) -> Result<Vec<crate::read::Edit>, ReadError> {
    let [elst] = pick(edts, [b"elst"])?;
    Ok(elst.map(|elst| elst.read_with(elst::read)).transpose()?.unwrap_or_default())
}

struct Media<'a> {
    header: mdhd::MediaHeader,
    handler: hdlr::Handler<'a>,
    stbl: stbl::SampleTable<'a>,
}

fn media<'a>(mdia: &BoxRef<'a>, file_length: u64) -> Result<Media<'a>, ReadError> {
    let [mdhd, hdlr, minf] = pick(mdia, [b"mdhd", b"hdlr", b"minf"])?;
    let header = mdhd.ok_or_else(|| mdia.missing("mdhd"))?.read_with(mdhd::read)?;
    let handler = hdlr.ok_or_else(|| mdia.missing("hdlr"))?.read_with(hdlr::read)?;
    let stbl = minf.ok_or_else(|| mdia.missing("minf"))?.read_with(|minf| {
        let [stbl] = pick(minf, [b"stbl"])?;
        let stbl = stbl.ok_or_else(|| minf.missing("stbl"))?;
        stbl.read_with(|stbl| stbl::read(stbl, file_length))
    })?;
    Ok(Media { header, handler, stbl })
}
