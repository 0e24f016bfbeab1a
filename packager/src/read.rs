//! Reads ISO base media files (ISO/IEC 14496-12), progressive and fragmented.
//!
//! For hostile bytes: every count and size is held against what is there, time and memory grow
//! with the input alone, nothing panics, and an error names the path of the box and its place.
//! Nothing is copied: tables stay where they are and are walked sample by sample, sample entries
//! are handed on as bytes.
//!
//! [`open`] takes a whole file (a mapping, say), [`open_ranges`] fetches what it needs of it: the
//! headers of the boxes at the top, `moov` and each `moof`, never media. The tree of modules is the
//! tree of boxes.

mod edit;
mod entry;
mod error;
mod fields;
mod file;
mod header;
mod moof;
mod moov;
mod rows;
mod samples;
mod track;

pub use edit::Edit;
pub use entry::{AudioFields, SampleEntry, VideoFields};
pub use error::{Problem, ReadError};
pub use file::{File, OpenError, open, open_ranges};
pub use samples::{Sample, Samples};
pub use track::Track;

pub(crate) use fields::Fields;
pub(crate) use header::{BoxRef, Children, Header};
use rows::Rows;

/// Tracks of a file, at most.
const MAX_TRACKS: usize = 256;

/// A code as text, with what is not printable as `.`.
fn code_text(code: [u8; 4]) -> String {
    code.iter().map(|&b| if b.is_ascii_graphic() { char::from(b) } else { '.' }).collect()
}

/// The first box of each code among the children of `parent`.
fn pick<'a, const N: usize>(
    parent: &BoxRef<'a>,
    codes: [&[u8; 4]; N],
) -> Result<[Option<BoxRef<'a>>; N], ReadError> {
    let mut found = [None; N];
    for child in parent.children() {
        let child = child?;
        if let Some(place) = codes.iter().position(|code| **code == child.code) {
            found[place].get_or_insert(child);
        }
    }
    Ok(found)
}
