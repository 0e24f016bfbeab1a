//! Global motion (5.9.24, 5.9.25).

use super::tiles::below;
use crate::bitstream::Bits;

/// How many parameters a kind of motion has besides the shift, and bits of those of the shift.
const REFERENCES: usize = 7;
const SHAPE_BITS: u32 = 12;

pub(super) fn skip(bits: &mut Bits<'_>, high_precision: bool) -> Option<()> {
    for _ in 0..REFERENCES {
        if !bits.flag()? {
            continue;
        }
        let rotates = bits.flag()?;
        let shifts_only = !rotates && bits.flag()?;
        let shapes = match (rotates, shifts_only) {
            (true, _) => 2,
            (_, true) => 0,
            _ => 4,
        };
        let shift_bits = if shifts_only { 8 + u32::from(high_precision) } else { SHAPE_BITS };
        (0..shapes).try_for_each(|_| skip_value(bits, 2 * (1 << SHAPE_BITS) + 1))?;
        (0..2).try_for_each(|_| skip_value(bits, 2 * (1 << shift_bits) + 1))?;
    }
    Some(())
}

/// `decode_subexp`: its length does not depend on the value it is told by.
fn skip_value(bits: &mut Bits<'_>, symbols: u32) -> Option<()> {
    let (mut width, mut passed) = (3, 0);
    for step in 0.. {
        if step > 1 {
            width += 1;
        }
        let block = 1 << width;
        if symbols <= passed + 3 * block {
            return below(bits, symbols - passed).map(|_| ());
        }
        if !bits.flag()? {
            return bits.skip(width);
        }
        passed += block;
    }
    None
}
