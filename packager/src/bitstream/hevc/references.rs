//! Short-term reference picture set (ITU-T H.265 7.3.7, 7.4.8).

use crate::bitstream::Rbsp;

/// References of a set, at most (`sps_max_dec_pic_buffering_minus1`, A.4.1).
const MAX_REFERENCES: u32 = 16;

/// Which pictures may be referred to: how far away, and whether by this one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct References {
    before: Vec<(i32, bool)>,
    after: Vec<(i32, bool)>,
}

impl References {
    /// The set that follows `known` in a sequence parameter set, or, `in_slice`, stands in a slice
    /// header.
    pub(super) fn read(bits: &mut Rbsp<'_>, known: &[Self], in_slice: bool) -> Option<Self> {
        if !known.is_empty() && bits.flag()? {
            return Self::predicted(bits, known, in_slice);
        }
        let counts = [bits.at_most(MAX_REFERENCES)?, bits.at_most(MAX_REFERENCES)?];
        let mut set = Self::default();
        for (count, sign) in counts.into_iter().zip([-1, 1]) {
            let mut distance = 0_i32;
            for _ in 0..count {
                let step = i32::try_from(bits.unsigned()?).ok()?.checked_add(1)?;
                distance = distance.checked_add(step.checked_mul(sign)?)?;
                let used = bits.flag()?;
                set.side(sign).push((distance, used));
            }
        }
        Some(set)
    }

    /// How many this picture uses.
    pub(super) fn used(&self) -> u32 {
        self.before.iter().chain(&self.after).filter(|(_, used)| *used).count() as u32
    }

    fn side(&mut self, sign: i32) -> &mut Vec<(i32, bool)> {
        if sign < 0 { &mut self.before } else { &mut self.after }
    }

    /// From another set and what differs (7-61, 7-62).
    fn predicted(bits: &mut Rbsp<'_>, known: &[Self], in_slice: bool) -> Option<Self> {
        let back = if in_slice { bits.unsigned()? } else { 0 };
        let from = known.get(known.len().checked_sub(1)?.checked_sub(back as usize)?)?;
        let sign = if bits.flag()? { -1 } else { 1 };
        let delta = i32::try_from(bits.unsigned()?).ok()?.checked_add(1)?.checked_mul(sign)?;
        // The reference's own entries, then the reference itself.
        let own = from.before.iter().chain(&from.after).map(|(distance, _)| *distance);
        let mut entries = Vec::new();
        for distance in own.chain([0]) {
            let used = bits.flag()?;
            if used || bits.flag()? {
                entries.push((distance.checked_add(delta)?, used));
            }
        }
        if entries.len() > MAX_REFERENCES as usize {
            return None;
        }
        let of = |wanted: fn(i32) -> bool| {
            let mut side: Vec<_> =
                entries.iter().copied().filter(|(distance, _)| wanted(*distance)).collect();
            side.sort_by_key(|(distance, _)| distance.unsigned_abs());
            side
        };
        Some(Self { before: of(|distance| distance < 0), after: of(|distance| distance > 0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_told_alone_or_by_what_differs() {
        // Two before (1 and 3 away, the second not used), one after.
        // ue(2) ue(1), ue(0) 1, ue(1) 0, ue(0) 1
        let bits = "011".to_owned() + "010" + "1" + "1" + "010" + "0" + "1" + "1";
        let first = References::read(&mut Rbsp::new(&bytes(&bits)), &[], false).unwrap();
        let expected = References { before: vec![(-1, true), (-3, false)], after: vec![(1, true)] };
        assert_eq!(first, expected);
        assert_eq!(first.used(), 2);
        // The same one picture later: each a step further back, and the picture between.
        // inter, sign −, ue(0); of four entries: used, not but kept, dropped, used
        let bits = "1".to_owned() + "1" + "1" + "1" + "01" + "00" + "1";
        let second = References::read(&mut Rbsp::new(&bytes(&bits)), &[first], false).unwrap();
        let before = vec![(-1, true), (-2, true), (-4, false)];
        assert_eq!(second, References { before, after: vec![] });
    }

    fn bytes(bits: &str) -> Vec<u8> {
        let byte = |bits: &[u8]| {
            bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | (bit - b'0') << (7 - at))
        };
        bits.as_bytes().chunks(8).map(byte).collect()
    }
}
