//! `moov` (14496-12 8.2.1): the movie, its tracks and the defaults of their fragments.

mod mvex;
mod mvhd;
mod trak;

pub(super) use trak::stbl;

use super::{BoxRef, MAX_TRACKS, Problem, ReadError, Track, pick};

/// The movie as far as it is read: its tracks.
#[derive(Debug)]
pub(super) struct Movie<'a> {
    pub(super) tracks: Vec<Track<'a>>,
    pub(super) unlisted: Unlisted,
}

/// Samples that take no row of a table, because all are of one size: only the media limits how many
/// there can be, and tracks and runs may claim the same media again and again.
#[derive(Debug)]
pub(super) struct Unlisted {
    left: u64,
}

impl Unlisted {
    /// Media may be shared, but not by everybody.
    fn of(file_length: u64) -> Self {
        Self { left: file_length.saturating_mul(4) }
    }

    /// Counts `samples` more, described at `offset`.
    pub(super) fn add(&mut self, offset: u64, samples: u64) -> Result<(), ReadError> {
        let problem = Problem::Contradiction("more samples than the file has bytes");
        let left = self.left.checked_sub(samples);
        self.left = left.ok_or_else(|| ReadError::new(offset, problem))?;
        Ok(())
    }
}

pub(super) fn read<'a>(moov: &BoxRef<'a>, file_length: u64) -> Result<Movie<'a>, ReadError> {
    let [mvhd, cmov, mvex] = pick(moov, [b"mvhd", b"cmov", b"mvex"])?;
    if let Some(cmov) = cmov {
        let problem = Problem::Unsupported("a compressed movie header");
        return Err(ReadError::new(cmov.offset, problem).within(*b"cmov"));
    }
    let timescale = mvhd.ok_or_else(|| moov.missing("mvhd"))?.read_with(mvhd::read)?;
    let mut tracks: Vec<Track<'a>> = Vec::new();
    let mut unlisted = Unlisted::of(file_length);
    for child in moov.children() {
        let child = child?;
        if child.code != *b"trak" {
            continue;
        }
        let track = child.read_with(|trak| trak::read(trak, timescale, file_length))?;
        if tracks.iter().any(|known| known.id == track.id) {
            let problem = Problem::Contradiction("two tracks have the same number");
            return Err(ReadError::new(child.offset, problem).within(*b"trak"));
        }
        if tracks.len() == MAX_TRACKS {
            let count = MAX_TRACKS as u64 + 1;
            let problem = Problem::TooMany { what: "tracks", count, max: MAX_TRACKS as u64 };
            return Err(ReadError::new(child.offset, problem));
        }
        let same = u64::from(track.tables.samples_of_one_size());
        unlisted.add(child.offset, same).map_err(|error| error.within(*b"trak"))?;
        tracks.push(track);
    }
    if let Some(mvex) = mvex {
        mvex.read_with(|mvex| mvex::read(mvex, &mut tracks))?;
    }
    Ok(Movie { tracks, unlisted })
}
