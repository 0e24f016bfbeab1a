//! NAL units of a sample, each behind its length (ISO/IEC 14496-15 4.3.2, 4.3.3).

/// One of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NalUnit<'a> {
    /// Its bytes, header included and length not.
    pub(crate) bytes: &'a [u8],
}

/// Walks a sample; ends after the first that is cut short, which is `None`.
#[derive(Debug, Clone)]
pub(crate) struct NalUnits<'a> {
    rest: &'a [u8],
    length_bytes: usize,
}

impl<'a> NalUnits<'a> {
    /// `length_bytes`, 1 to 4, is what each length takes.
    pub(crate) fn new(sample: &'a [u8], length_bytes: usize) -> Self {
        Self { rest: sample, length_bytes }
    }

    fn split(&self) -> Option<(NalUnit<'a>, &'a [u8])> {
        let (length, rest) = self.rest.split_at_checked(self.length_bytes)?;
        let length = length.iter().fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
        let (bytes, rest) = rest.split_at_checked(length)?;
        Some((NalUnit { bytes }, rest))
    }
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = Option<NalUnit<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((unit, rest)) = self.split() else {
            self.rest = &[];
            return Some(None);
        };
        self.rest = rest;
        Some(Some(unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_lengths_and_says_where_they_are_cut() {
        let units = |sample, length_bytes| {
            let units = NalUnits::new(sample, length_bytes);
            units.map(|unit| unit.map(|unit| unit.bytes)).collect::<Vec<_>>()
        };
        assert_eq!(units(&[0, 1, 7, 0, 2, 8, 9], 2), [Some(&[7][..]), Some(&[8, 9])]);
        assert_eq!(units(&[1, 7, 3, 8, 9], 1), [Some(&[7][..]), None]);
        assert_eq!(units(&[0, 0], 4), [None]);
        assert!(units(&[], 4).is_empty());
    }
}
