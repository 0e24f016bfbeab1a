//! Picture parameter set (ITU-T H.264 7.3.2.2).

use crate::bitstream::Rbsp;

/// What slice headers need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pps {
    pub(super) id: u32,
    pub(super) sps: u32,
    pub(super) cabac: bool,
    pub(super) bottom_field_order: bool,
    /// References of each list where a slice does not say, less one.
    pub(super) references: [u32; 2],
    pub(super) weighted: bool,
    pub(super) weighted_b: u32,
    pub(super) deblocking_control: bool,
    pub(super) redundant_count: bool,
}

impl Pps {
    /// `None` also where slices are in groups (flexible macroblock ordering), which no player takes.
    pub(super) fn read(bits: &mut Rbsp<'_>) -> Option<Self> {
        let (id, sps) = (bits.at_most(255)?, bits.at_most(31)?);
        let (cabac, bottom_field_order) = (bits.flag()?, bits.flag()?);
        bits.at_most(0)?; // num_slice_groups_minus1
        let references = [bits.at_most(31)?, bits.at_most(31)?];
        let (weighted, weighted_b) = (bits.flag()?, bits.bits(2)?);
        (0..3).try_for_each(|_| bits.signed().map(|_| ()))?; // quantisers
        let deblocking_control = bits.flag()?;
        bits.flag()?; // constrained_intra_pred_flag
        let redundant_count = bits.flag()?;
        Some(Self {
            id,
            sps,
            cabac,
            bottom_field_order,
            references,
            weighted,
            weighted_b,
            deblocking_control,
            redundant_count,
        })
    }
}
