//! Sample sizes (14496-12 8.7.3): one for all, or one each (`stsz`), in 4, 8 or 16 bits (`stz2`).

use crate::read::{BoxRef, Fields, Problem, ReadError, Rows};

#[derive(Debug, Clone, Copy)]
pub(super) enum Sizes<'a> {
    /// Size, count.
    Same(u32, u32),
    Each(Rows<'a, 1>),
    /// Bits a size, count.
    Compact(u8, u32, &'a [u8]),
}

impl<'a> Sizes<'a> {
    pub(super) fn read(stsz: &BoxRef<'a>, file_length: u64) -> Result<Self, ReadError> {
        let mut fields = stsz.fields();
        fields.version_and_flags()?;
        let size = fields.u32()?;
        if size == 0 {
            return Rows::counted(&mut fields).map(Self::Each);
        }
        let offset = fields.offset();
        let count = fields.u32()?;
        // Nothing else limits the count: twenty bytes could ask for four thousand million samples.
        let bytes = u64::from(size) * u64::from(count);
        if bytes > file_length {
            let problem = Problem::Outside { offset: 0, size: bytes };
            return Err(ReadError::new(offset, problem));
        }
        Ok(Self::Same(size, count))
    }

    pub(super) fn read_compact(stz2: &BoxRef<'a>) -> Result<Self, ReadError> {
        let mut fields = stz2.fields();
        fields.version_and_flags()?;
        fields.skip(3)?;
        let offset = fields.offset();
        let bits = fields.u8()?;
        if !matches!(bits, 4 | 8 | 16) {
            let problem = Problem::Value { what: "bits of a size", value: u64::from(bits) };
            return Err(ReadError::new(offset, problem));
        }
        let count = fields.u32()?;
        let bytes = (u64::from(count) * u64::from(bits)).div_ceil(8);
        Ok(Self::Compact(bits, count, take(&mut fields, bytes)?))
    }

    pub(super) fn get(&self, sample: u32) -> Option<u32> {
        match *self {
            Self::Same(size, count) => (sample < count).then_some(size),
            Self::Each(rows) => rows.get(sample as usize).map(|[size]| size),
            Self::Compact(..) if sample >= self.count() => None,
            Self::Compact(4, _, bytes) => {
                let pair = *bytes.get(sample as usize / 2)?;
                Some(u32::from(if sample.is_multiple_of(2) { pair >> 4 } else { pair & 0xf }))
            }
            Self::Compact(8, _, bytes) => bytes.get(sample as usize).map(|&size| u32::from(size)),
            Self::Compact(_, _, bytes) => {
                let size = bytes.get(sample as usize * 2..)?.first_chunk()?;
                Some(u32::from(u16::from_be_bytes(*size)))
            }
        }
    }

    pub(super) fn count(&self) -> u32 {
        match *self {
            Self::Same(_, count) | Self::Compact(_, count, _) => count,
            // It was counted in 32 bits.
            Self::Each(rows) => rows.len() as u32,
        }
    }
}

fn take<'a>(fields: &mut Fields<'a>, bytes: u64) -> Result<&'a [u8], ReadError> {
    let count = usize::try_from(bytes).unwrap_or(usize::MAX);
    fields.take(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_sizes_of_4_8_and_16_bits() {
        let read = |bytes: &[u8], count| {
            let sizes = Sizes::Compact(bytes[0], count, &bytes[1..]);
            (0..=count).map(|sample| sizes.get(sample)).collect::<Vec<_>>()
        };
        assert_eq!(read(&[4, 0x12, 0x3f], 3), [Some(1), Some(2), Some(3), None]);
        assert_eq!(read(&[8, 9, 0xff], 2), [Some(9), Some(255), None]);
        assert_eq!(read(&[16, 1, 0, 0, 2], 2), [Some(256), Some(2), None]);
    }
}
