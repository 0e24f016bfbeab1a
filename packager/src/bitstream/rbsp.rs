//! Bits of a NAL unit (ITU-T H.264 7.3.1, H.265 7.3.1.1): emulation prevention bytes are stepped
//! over, but counted.

/// The longest Exp-Golomb code: 32 zeros, a one, 32 bits.
const MAX_ZEROS: u32 = 32;

/// What is read of a NAL unit.
#[derive(Debug, Clone)]
pub(crate) struct Rbsp<'a> {
    bytes: &'a [u8],
    /// The byte that is read.
    at: usize,
    /// Bits of it that are read.
    bit: u8,
    /// Zero bytes before it.
    zeros: u8,
}

impl<'a> Rbsp<'a> {
    /// `bytes` as they lie in the NAL unit, its header or not.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, bit: 0, zeros: 0 }
    }

    /// Bytes of the NAL unit that are read, the last in part or whole.
    pub(crate) fn bytes_read(&self) -> usize {
        self.at + usize::from(self.bit > 0)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        if self.bit == 0 && self.zeros >= 2 && self.bytes.get(self.at) == Some(&3) {
            self.at += 1;
            self.zeros = 0;
        }
        let byte = *self.bytes.get(self.at)?;
        let set = byte >> (7 - self.bit) & 1 == 1;
        self.bit += 1;
        if self.bit == 8 {
            self.bit = 0;
            self.at += 1;
            self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
        }
        Some(set)
    }

    /// `u(count)`, at most 32.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    pub(crate) fn skip(&mut self, count: u32) -> Option<()> {
        (0..count).try_for_each(|_| self.flag().map(|_| ()))
    }

    /// `ue(v)`.
    pub(crate) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > MAX_ZEROS {
                return None;
            }
        }
        let rest = u64::from(self.bits(zeros)?);
        u32::try_from((1_u64 << zeros) - 1 + rest).ok()
    }

    /// `ue(v)` that is at most `most`.
    pub(crate) fn at_most(&mut self, most: u32) -> Option<u32> {
        self.unsigned().filter(|&value| value <= most)
    }

    /// `se(v)`.
    pub(crate) fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        let value = if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) };
        i32::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_exponential_golomb_codes() {
        // 1, 010, 011, 00100, 00111 and padding.
        let mut bits = Rbsp::new(&[0b1010_0110, 0b0100_0011, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.unsigned().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 6]);
        let mut bits = Rbsp::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.signed().unwrap()).collect();
        assert_eq!(codes, [0, 1, -1, 2, -2]);
        assert_eq!(Rbsp::new(&[0; 9]).unsigned(), None);
    }

    #[test]
    fn steps_over_emulation_prevention_and_counts_it() {
        let mut bits = Rbsp::new(&[0, 0, 3, 1, 0xff]);
        assert_eq!(bits.bits(24), Some(1));
        assert_eq!(bits.bytes_read(), 4);
        bits.flag().unwrap();
        assert_eq!(bits.bytes_read(), 5);
        // Only after two zeros is a 3 one.
        assert_eq!(Rbsp::new(&[0, 3, 0, 3]).bits(32), Some(0x0003_0003));
    }
}
