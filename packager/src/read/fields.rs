//! Big-endian fields of a box, one after the other.

use super::{Problem, ReadError};

/// What is left of a box's fields. Reading past the end is an error that names the place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    /// Where `bytes` begins in the file.
    offset: u64,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8], offset: u64) -> Self {
        Self { bytes, offset }
    }

    /// Where the next field begins in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            let (needed, left) = (count as u64, self.bytes.len() as u64);
            return Err(ReadError::new(self.offset, Problem::Cut { needed, left }));
        };
        self.bytes = rest;
        self.offset = self.offset.saturating_add(count as u64);
        Ok(taken)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<(), ReadError> {
        self.take(count).map(|_| ())
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ReadError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ReadError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ReadError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ReadError> {
        self.array().map(u64::from_be_bytes)
    }

    /// 32 bits in version 0 of a box, 64 in version 1.
    pub(crate) fn u32_or_u64(&mut self, version: u8) -> Result<u64, ReadError> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }

    /// Version and flags of a full box (14496-12 4.2.2).
    pub(crate) fn version_and_flags(&mut self) -> Result<(u8, u32), ReadError> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// What is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let taken = self.take(N)?;
        Ok(*taken.first_chunk::<N>().expect("as many bytes were taken"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_says_where_it_ends() {
        let mut fields = Fields::new(&[1, 0, 2, 0, 0, 0, 3, 9], 100);
        assert_eq!(fields.u8(), Ok(1));
        assert_eq!(fields.u16(), Ok(2));
        assert_eq!(fields.u32(), Ok(3));
        assert_eq!(fields.u16().map_err(|e| e.offset), Err(107));
        assert_eq!(fields.rest(), [9]);
    }
}
