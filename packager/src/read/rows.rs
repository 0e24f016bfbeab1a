//! Tables: a count and as many rows of equal size, read in place.

use super::{Fields, Problem, ReadError};

/// Rows of `N` words of 32 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a, const N: usize> {
    bytes: &'a [u8],
    /// Where the first row begins in the file.
    pub(super) offset: u64,
}

impl<'a, const N: usize> Rows<'a, N> {
    const ROW: usize = N * 4;

    /// A count, and the rows after it: all must be there.
    pub(super) fn counted(fields: &mut Fields<'a>) -> Result<Self, ReadError> {
        let count = u64::from(fields.u32()?);
        Self::read(fields, count)
    }

    /// `count` rows.
    pub(super) fn read(fields: &mut Fields<'a>, count: u64) -> Result<Self, ReadError> {
        let offset = fields.offset();
        let needed = count.saturating_mul(Self::ROW as u64);
        let left = fields.rest().len() as u64;
        let Some(needed) = usize::try_from(needed).ok().filter(|&n| n as u64 <= left) else {
            return Err(ReadError::new(offset, Problem::Cut { needed, left }));
        };
        Ok(Self { bytes: fields.take(needed)?, offset })
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() / Self::ROW
    }

    pub(super) fn get(&self, index: usize) -> Option<[u32; N]> {
        let start = index.checked_mul(Self::ROW)?;
        let row = self.bytes.get(start..start + Self::ROW)?;
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(row.chunks_exact(4)) {
            *word = u32::from_be_bytes(*bytes.first_chunk().expect("four bytes each"));
        }
        Some(words)
    }

    /// Where a row lies in the file.
    pub(super) fn offset_of(&self, index: usize) -> u64 {
        self.offset.saturating_add((index as u64).saturating_mul(Self::ROW as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counted_row_must_be_there() {
        let bytes = [0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8];
        let rows = Rows::<1>::counted(&mut Fields::new(&bytes, 0)).unwrap();
        assert_eq!((rows.len(), rows.get(1), rows.get(2)), (2, Some([8]), None));
        assert!(Rows::<2>::counted(&mut Fields::new(&bytes, 0)).is_err());
        let endless = [0xff; 8];
        assert!(Rows::<3>::counted(&mut Fields::new(&endless, 0)).is_err());
    }
}
