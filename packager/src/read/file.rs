//! The boxes at the top of a file: `moov`, the `moof`s, and what lies between them.

use std::borrow::Cow;

use super::{
    BoxRef, Problem, ReadError, Track,
    header::{Header, MAX_HEADER},
    moof, moov,
};

/// Boxes at the top of a file, at most: a day of fragments of a tenth of a second.
const MAX_TOP_BOXES: u64 = 1 << 21;
/// Bytes of a `moov` or `moof`, at most: a day of 240 frames a second and two soundtracks.
const MAX_TABLES: u64 = 1 << 29;

/// What a file says about its media.
#[derive(Debug, Clone)]
pub struct File<'a> {
    length: u64,
    moov: Section<'a>,
    moofs: Vec<Section<'a>>,
}

/// One box of the top and where it lies.
#[derive(Debug, Clone)]
struct Section<'a> {
    offset: u64,
    bytes: Cow<'a, [u8]>,
}

/// Why [`open_ranges`] failed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError<E> {
    /// The file is not what it should be.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The bytes could not be had.
    #[error(transparent)]
    Fetch(E),
}

/// Opens a file whose bytes are at hand.
///
/// # Errors
/// When it has no `moov`, or a box at its top is damaged.
pub fn open(bytes: &[u8]) -> Result<File<'_>, ReadError> {
    let length = bytes.len() as u64;
    let fetch = |offset: u64, count: usize| {
        // Only ranges inside the file are asked for.
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(count).min(bytes.len());
        Ok::<_, ReadError>(Cow::Borrowed(&bytes[start..end]))
    };
    scan(length, fetch).map_err(|error| match error {
        OpenError::Read(error) | OpenError::Fetch(error) => error,
    })
}

/// Opens a file of `length` bytes by ranges: `fetch` gives as many bytes from an offset as asked,
/// which all lie inside the file.
///
/// # Errors
/// As [`open`], and what `fetch` answers.
pub fn open_ranges<E>(
    length: u64,
    mut fetch: impl FnMut(u64, usize) -> Result<Vec<u8>, E>,
) -> Result<File<'static>, OpenError<E>> {
    scan(length, |offset, count| fetch(offset, count).map(Cow::Owned))
}

fn scan<'a, E>(
    length: u64,
    mut fetch: impl FnMut(u64, usize) -> Result<Cow<'a, [u8]>, E>,
) -> Result<File<'a>, OpenError<E>> {
    let mut moov = None;
    let mut moofs = Vec::new();
    let mut offset = 0;
    let mut boxes = 0;
    while length - offset >= 8 {
        boxes += 1;
        limit(offset, "boxes at the top of the file", boxes, MAX_TOP_BOXES)?;
        let ahead = (length - offset).min(MAX_HEADER as u64) as usize;
        let header = Header::read(&fetch(offset, ahead).map_err(OpenError::Fetch)?, offset)?;
        let left = length - offset;
        let size = header.size.unwrap_or(left);
        let wanted = (header.code == *b"moov" && moov.is_none()) || header.code == *b"moof";
        if size > left {
            // Media that is cut short is noticed sample by sample, where it matters.
            if !wanted {
                break;
            }
            let problem = Problem::Cut { needed: size, left };
            return Err(ReadError::new(offset, problem).within(header.code).into());
        }
        if wanted {
            limit(offset, "bytes of tables", size, MAX_TABLES)
                .map_err(|error| error.within(header.code))?;
            let bytes = fetch(offset, size as usize).map_err(OpenError::Fetch)?;
            let section = Section { offset, bytes };
            if header.code == *b"moov" { moov = Some(section) } else { moofs.push(section) }
        }
        offset += size;
    }
    let missing = || ReadError::new(0, Problem::Missing("moov"));
    Ok(File { length, moov: moov.ok_or_else(missing)?, moofs })
}

fn limit(offset: u64, what: &'static str, count: u64, max: u64) -> Result<(), ReadError> {
    let problem = Problem::TooMany { what, count, max };
    if count > max { Err(ReadError::new(offset, problem)) } else { Ok(()) }
}

impl<'a> File<'a> {
    /// The movie of an initialisation segment with one fragment, `moof`, that lies apart from it: at
    /// `offset` among `length` bytes.
    pub(crate) fn with_fragment(self, moof: &'a [u8], offset: u64, length: u64) -> Self {
        let moofs = vec![Section { offset, bytes: Cow::Borrowed(moof) }];
        Self { length, moofs, ..self }
    }
}

impl File<'_> {
    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether samples are in fragments.
    pub fn is_fragmented(&self) -> bool {
        !self.moofs.is_empty()
    }

    /// The tracks, in the order of the file.
    ///
    /// # Errors
    /// When a box is damaged or missing, or there are more than 256 tracks.
    pub fn tracks(&self) -> Result<Vec<Track<'_>>, ReadError> {
        let moov = self.moov.read()?;
        let mut movie = moov.read_with(|moov| moov::read(moov, self.length))?;
        for section in &self.moofs {
            let moof = section.read()?;
            moof.read_with(|moof| moof::read(moof, self.length, &mut movie))?;
        }
        Ok(movie.tracks)
    }
}

impl Section<'_> {
    fn read(&self) -> Result<BoxRef<'_>, ReadError> {
        BoxRef::read(&self.bytes, self.offset)
    }
}
