//! Chunk offsets (14496-12 8.7.5): where chunks begin in the file, in 32 bits (`stco`) or 64
//! (`co64`).

use crate::read::{BoxRef, ReadError, Rows};

#[derive(Debug, Clone, Copy)]
pub(super) enum ChunkOffsets<'a> {
    Short(Rows<'a, 1>),
    Long(Rows<'a, 2>),
}

impl<'a> ChunkOffsets<'a> {
    pub(super) fn read(stco: &BoxRef<'a>) -> Result<Self, ReadError> {
        let mut fields = stco.fields();
        fields.version_and_flags()?;
        Rows::counted(&mut fields).map(Self::Short)
    }

    pub(super) fn read_long(co64: &BoxRef<'a>) -> Result<Self, ReadError> {
        let mut fields = co64.fields();
        fields.version_and_flags()?;
        Rows::counted(&mut fields).map(Self::Long)
    }

    pub(super) fn get(&self, chunk: usize) -> Option<u64> {
        match self {
            Self::Short(rows) => rows.get(chunk).map(|[offset]| u64::from(offset)),
            Self::Long(rows) => {
                rows.get(chunk).map(|[high, low]| u64::from(high) << 32 | u64::from(low))
            }
        }
    }

    /// Where the table lies in the file.
    pub(super) fn place(&self) -> u64 {
        match self {
            Self::Short(rows) => rows.offset,
            Self::Long(rows) => rows.offset,
        }
    }
}
