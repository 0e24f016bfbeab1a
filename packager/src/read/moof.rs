//! `moof` (14496-12 8.8.4): a fragment of the movie, its tracks' runs of samples.

mod tfdt;
mod tfhd;
mod trun;

pub(super) use trun::{Run, RunSamples};

use super::{BoxRef, ReadError, moov::Movie, pick};
use tfhd::Base;

/// What samples of a track are where nothing else is said (8.8.3, 8.8.7).
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults {
    /// Sample entry, counted from 1.
    pub(super) entry: u32,
    /// Ticks.
    pub(super) duration: u32,
    /// Bytes.
    pub(super) size: u32,
    /// Sample flags (8.8.3.1).
    pub(super) flags: u32,
}

impl Defaults {
    /// Those of a track without a `trex`.
    pub(super) const NONE: Self = Self { entry: 1, duration: 0, size: 0, flags: 0 };
}

/// Adds the fragment's runs to the tracks of `movie`. Fragments of tracks it does not have are
/// left out.
pub(super) fn read<'a>(
    moof: &BoxRef<'a>,
    file_length: u64,
    movie: &mut Movie<'a>,
) -> Result<(), ReadError> {
    // Without a base of its own, a track's data follows that of the one before it (8.8.7.1).
    let mut data_end = moof.offset;
    for child in moof.children() {
        let child = child?;
        if child.code == *b"traf" {
            let place = Place { moof: moof.offset, data_end, file_length };
            data_end = child.read_with(|traf| fragment(traf, place, movie))?;
        }
    }
    Ok(())
}

/// Where a track fragment lies.
#[derive(Clone, Copy)]
struct Place {
    moof: u64,
    data_end: u64,
    file_length: u64,
}

/// A `traf` (8.8.6). Answers where its data ends.
fn fragment<'a>(traf: &BoxRef<'a>, place: Place, movie: &mut Movie<'a>) -> Result<u64, ReadError> {
    let [tfhd, tfdt] = pick(traf, [b"tfhd", b"tfdt"])?;
    let tfhd = tfhd.ok_or_else(|| traf.missing("tfhd"))?;
    let header = tfhd.read_with(tfhd::read)?;
    let mut track = movie.tracks.iter_mut().find(|track| track.id == header.track);
    let defaults = header.over(track.as_ref().map_or(Defaults::NONE, |track| track.defaults));
    let base = match header.base {
        Base::At(offset) => offset,
        Base::Moof => place.moof,
        Base::AfterPrevious => place.data_end,
    };
    let mut decode_time = tfdt.map(|tfdt| tfdt.read_with(tfdt::read)).transpose()?;
    let mut data_end = base;
    for child in traf.children() {
        let child = child?;
        if child.code != *b"trun" {
            continue;
        }
        let mut run = child.read_with(|trun| {
            trun::read(trun, defaults, base, data_end, place.file_length, &mut movie.unlisted)
        })?;
        run.decode_time = decode_time.take();
        data_end = run.data_end();
        if let Some(track) = &mut track {
            track.runs.push(run);
        }
    }
    Ok(data_end)
}
