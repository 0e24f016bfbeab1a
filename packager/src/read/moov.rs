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
}

pub(super) fn read<'a>(moov: &BoxRef<'a>, file_length: u64) -> Result<Movie<'a>, ReadError> {
    let [mvhd, cmov, mvex] = pick(moov, [b"mvhd", b"cmov", b"mvex"])?;
    if let Some(cmov) = cmov {
        let problem = Problem::Unsupported("a compressed movie header");
        return Err(ReadError::new(cmov.offset, problem).within(*b"cmov"));
    }
    let timescale = mvhd.ok_or_else(|| moov.missing("mvhd"))?.read_with(mvhd::read)?;
    let mut tracks: Vec<Track<'a>> = Vec::new();
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
        tracks.push(track);
    }
    if let Some(mvex) = mvex {
        mvex.read_with(|mvex| mvex::read(mvex, &mut tracks))?;
    }
    Ok(Movie { tracks })
}
