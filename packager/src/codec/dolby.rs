//! Channels of AC-3 and E-AC-3 (ETSI TS 102 366 annex F).

use crate::bitstream::Bits;

/// Full channels by `acmod` (table 4.3); the effects channel comes on top.
const CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// Of an AC3SpecificBox (F.4).
pub(super) fn ac3_channels(dac3: &[u8]) -> Option<u16> {
    let mut bits = Bits::new(dac3);
    bits.take(2 + 5 + 3)?; // fscod, bsid, bsmod
    let (mode, effects) = (bits.take(3)?, bits.take(1)?);
    Some(CHANNELS[mode as usize] + effects as u16)
}

/// Of the first substream of an EC3SpecificBox (F.6). Dependent ones add channels in pairs by
/// `chan_loc`; its LFE2 bit alone adds one.
pub(super) fn eac3_channels(dec3: &[u8]) -> Option<u16> {
    let mut bits = Bits::new(dec3);
    bits.take(13 + 3)?; // data_rate, num_ind_sub
    bits.take(2 + 5 + 1 + 1 + 3)?; // fscod, bsid, reserved, asvc, bsmod
    let (mode, effects) = (bits.take(3)?, bits.take(1)?);
    bits.take(3)?;
    let more = if bits.take(4)? > 0 { more_channels(bits.take(9)?) } else { 0 };
    Some(CHANNELS[mode as usize] + effects as u16 + more)
}

/// Table F.6.1: Lc/Rc, Lrs/Rrs, Cs, Ts, Lsd/Rsd, Lw/Rw, Lvh/Rvh, Cvh, LFE2 from the lowest bit.
fn more_channels(locations: u32) -> u16 {
    const CHANNELS: [u16; 9] = [2, 2, 1, 1, 2, 2, 2, 1, 1];
    let set = |bit: &usize| locations >> bit & 1 == 1;
    (0..CHANNELS.len()).filter(set).map(|bit| CHANNELS[bit]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_effects_channel_and_dependent_substreams() {
        assert_eq!(ac3_channels(&[0x10, 0x3c, 0]), Some(6));
        assert_eq!(ac3_channels(&[0x10, 0x11, 0x40]), Some(2));
        assert_eq!(eac3_channels(&[0, 0, 0x20, 0x0f, 0]), Some(6));
        assert_eq!(eac3_channels(&[0, 0, 0x20, 0x0f, 0x02, 0x02]), Some(8));
        assert_eq!(ac3_channels(&[0x10]), None);
    }
}
