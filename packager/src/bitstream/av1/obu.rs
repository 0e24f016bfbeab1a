//! Open bitstream units (5.3), of which the last may leave out its size.

use std::ops::Range;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obu {
    pub(crate) kind: u8,
    /// `temporal_id` and `spatial_id`.
    pub(crate) layer: (u8, u8),
    /// Where what follows its header and size lies.
    pub(crate) body: Range<usize>,
}

/// Walks them; ends after the first that is cut short, which is `None`.
#[derive(Debug, Clone)]
pub(crate) struct Obus<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Obus<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn read(&mut self) -> Option<Obu> {
        let header = self.byte()?;
        let mut layer = (0, 0);
        if header & 0b100 != 0 {
            let extension = self.byte()?;
            layer = (extension >> 5, extension >> 3 & 0b11);
        }
        let size = if header & 0b10 != 0 { self.size()? } else { self.bytes.len() - self.at };
        let end = self.at.checked_add(size).filter(|&end| end <= self.bytes.len())?;
        let body = self.at..end;
        self.at = end;
        Some(Obu { kind: header >> 3 & 0xf, layer, body })
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// `leb128()`.
    fn size(&mut self) -> Option<usize> {
        let mut size = 0;
        for place in 0..8 {
            let byte = self.byte()?;
            size |= u64::from(byte & 0x7f) << (place * 7);
            if byte & 0x80 == 0 {
                return usize::try_from(size).ok();
            }
        }
        None
    }
}

impl Iterator for Obus<'_> {
    type Item = Option<Obu>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let obu = self.read();
        if obu.is_none() {
            self.at = self.bytes.len();
        }
        Some(obu)
    }
}
