//! A track and what the file says of it.

use super::{
    Edit, ReadError, SampleEntry, Samples, code_text,
    moof::{Defaults, Run},
    moov::stbl::Tables,
};

/// One track of a file.
#[derive(Debug, Clone)]
pub struct Track<'a> {
    /// Its number; not 0, and no two have the same.
    pub id: u32,
    /// `vide`, `soun`, `text`, `subt`, ….
    pub handler: [u8; 4],
    /// Ticks a second; not 0.
    pub timescale: u32,
    /// Ticks a second of [`Edit::duration`]; not 0.
    pub movie_timescale: u32,
    /// ISO 639-2/T code, `None` where it is `und` or none.
    pub language: Option<[u8; 3]>,
    /// The handler's name, which some use as the track's title.
    pub name: &'a [u8],
    /// How the picture is turned for display: the rows of 8.3.2.
    pub matrix: [i32; 9],
    /// Pixels shown, before the matrix.
    pub width: u32,
    /// Pixels shown, before the matrix.
    pub height: u32,
    /// The edit list; empty says that the media is shown as it is.
    pub edits: Vec<Edit>,
    /// How samples are coded; samples name them by number, from 0.
    pub entries: Vec<SampleEntry<'a>>,
    pub(super) tables: Tables<'a>,
    pub(super) defaults: Defaults,
    pub(super) runs: Vec<Run<'a>>,
    pub(super) file_length: u64,
}

impl<'a> Track<'a> {
    /// Its samples in decoding order, those of `moov` first.
    pub fn samples(&self) -> Samples<'_> {
        Samples::new(self)
    }

    /// Whether it has samples in fragments.
    pub fn is_fragmented(&self) -> bool {
        !self.runs.is_empty()
    }

    /// As [`Self::samples`], to the first fault.
    ///
    /// # Errors
    /// When tables contradict each other or media lies outside the file.
    pub fn check(&self) -> Result<u64, ReadError> {
        self.samples().try_fold(0, |count, sample| sample.map(|_| count + 1))
    }

    /// The handler as text.
    pub fn handler_text(&self) -> String {
        code_text(self.handler)
    }
}
