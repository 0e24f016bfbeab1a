//! Media header (14496-12 8.4.2).

use crate::read::{BoxRef, Problem, ReadError};

pub(super) struct MediaHeader {
    pub(super) timescale: u32,
    pub(super) language: Option<[u8; 3]>,
}

pub(super) fn read(mdhd: &BoxRef<'_>) -> Result<MediaHeader, ReadError> {
    let mut fields = mdhd.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 8 } else { 16 })?; // creation and modification time
    let offset = fields.offset();
    let timescale = fields.u32()?;
    if timescale == 0 {
        return Err(ReadError::new(offset, Problem::Value { what: "a timescale", value: 0 }));
    }
    fields.u32_or_u64(version)?; // duration: the samples know better
    Ok(MediaHeader { timescale, language: language(fields.u16()?) })
}

/// Three letters of five bits. QuickTime's numbers of languages lie below them and say nothing
/// here.
fn language(packed: u16) -> Option<[u8; 3]> {
    let letters = [10, 5, 0].map(|shift| (packed >> shift & 0x1f) as u8 + 0x60);
    (letters.iter().all(u8::is_ascii_lowercase) && &letters != b"und").then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_letters() {
        assert_eq!(language(0x15c7), Some(*b"eng"));
        for none in [0x55c4, 0, 0x7fff, 11] {
            assert_eq!(language(none), None);
        }
    }
}
