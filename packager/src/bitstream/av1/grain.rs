//! Film grain (5.9.30).

use super::sequence::Sequence;
use crate::bitstream::Bits;

pub(super) fn skip(bits: &mut Bits<'_>, sequence: &Sequence, is_inter: bool) -> Option<()> {
    if !bits.flag()? {
        return Some(());
    }
    bits.skip(16)?; // grain_seed
    if is_inter && !bits.flag()? {
        return bits.skip(3); // film_grain_params_ref_idx
    }
    let points = |bits: &mut Bits<'_>| {
        let count = bits.take(4)? as usize;
        bits.skip(count * 16).map(|()| count > 0)
    };
    let luma = points(bits)?;
    let from_luma = !sequence.mono && bits.flag()?;
    let (mut blue, mut red) = (false, false);
    let none = sequence.mono || from_luma || (sequence.subsampling == (true, true) && !luma);
    if !none {
        (blue, red) = (points(bits)?, points(bits)?);
    }
    bits.skip(2)?; // grain_scaling_minus_8
    let lag = bits.take(2)? as usize;
    let positions = 2 * lag * (lag + 1);
    let chroma = positions + usize::from(luma);
    bits.skip(if luma { positions * 8 } else { 0 })?;
    bits.skip(if from_luma || blue { chroma * 8 } else { 0 })?;
    bits.skip(if from_luma || red { chroma * 8 } else { 0 })?;
    bits.skip(4)?; // ar_coeff_shift_minus_6, grain_scale_shift
    bits.skip(25 * (usize::from(blue) + usize::from(red)))?;
    bits.skip(2) // overlap_flag, clip_to_restricted_range
}
