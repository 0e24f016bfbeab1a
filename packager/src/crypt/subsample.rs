//! Which bytes of a sample are protected (ISO/IEC 23001-7 9.5).

/// Some bytes in the clear, then some that are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subsample {
    pub(super) clear: u16,
    pub(super) protected: u32,
}

/// The parts of a sample, from its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subsamples {
    parts: Vec<Subsample>,
    /// Bytes in the clear since the last part.
    clear: usize,
    /// Whether protected bytes of a part must be whole blocks.
    whole_blocks: bool,
}

impl Subsamples {
    /// `whole_blocks`: of each part only as many bytes are protected as make whole blocks, its last.
    pub(super) fn new(whole_blocks: bool) -> Self {
        Self { whole_blocks, ..Self::default() }
    }

    pub(super) fn clear(&mut self, bytes: usize) {
        self.clear += bytes;
    }

    /// `bytes` to be protected, as far as that is possible.
    pub(super) fn protect(&mut self, bytes: usize) {
        let rest = if self.whole_blocks || bytes < 16 { bytes % 16 } else { 0 };
        self.clear += rest;
        if bytes > rest {
            let clear = self.flush();
            // A fragment is limited to 1 GiB.
            self.parts.push(Subsample { clear, protected: (bytes - rest) as u32 });
        }
    }

    /// The parts; what is left in the clear at the end is one of its own.
    pub(super) fn finish(mut self) -> Vec<Subsample> {
        if self.clear > 0 {
            let clear = self.flush();
            self.parts.push(Subsample { clear, protected: 0 });
        }
        self.parts
    }

    /// Lengths in the clear have 16 bits: longer ones take several parts.
    fn flush(&mut self) -> u16 {
        while self.clear > usize::from(u16::MAX) {
            self.parts.push(Subsample { clear: u16::MAX, protected: 0 });
            self.clear -= usize::from(u16::MAX);
        }
        std::mem::take(&mut self.clear) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(whole_blocks: bool, lengths: &[(usize, usize)]) -> Vec<(u16, u32)> {
        let mut subsamples = Subsamples::new(whole_blocks);
        for &(clear, protected) in lengths {
            subsamples.clear(clear);
            subsamples.protect(protected);
        }
        let parts = subsamples.finish();
        parts.iter().map(|part| (part.clear, part.protected)).collect()
    }

    #[test]
    fn clear_bytes_are_joined_and_split_by_16_bits() {
        assert_eq!(parts(false, &[(5, 0), (6, 40), (3, 0)]), [(11, 40), (3, 0)]);
        assert_eq!(parts(false, &[(70_000, 20)]), [(65_535, 0), (4465, 20)]);
        assert_eq!(parts(false, &[(65_535, 16)]), [(65_535, 16)]);
        assert_eq!(parts(false, &[(4, 15)]), [(19, 0)]);
    }

    #[test]
    fn whole_blocks_are_the_last_of_a_part() {
        assert_eq!(parts(true, &[(5, 40), (5, 32)]), [(13, 32), (5, 32)]);
        assert_eq!(parts(true, &[(5, 15), (5, 16)]), [(25, 16)]);
    }
}
