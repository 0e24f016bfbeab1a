//! Picture parameter set (ITU-T H.265 7.3.2.3).

use super::scaling;
use crate::bitstream::Rbsp;

/// What slice headers need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pps {
    pub(super) id: u32,
    pub(super) sps: u32,
    pub(super) dependent_slices: bool,
    pub(super) output_flag: bool,
    pub(super) extra_bits: u32,
    pub(super) cabac_init: bool,
    /// References of each list where a slice does not say, less one.
    pub(super) references: [u32; 2],
    pub(super) chroma_offsets: bool,
    pub(super) weighted: [bool; 2],
    /// Whether slices say where their substreams begin.
    pub(super) entry_points: bool,
    pub(super) filter_across_slices: bool,
    pub(super) deblocking_override: bool,
    pub(super) deblocking_disabled: bool,
    pub(super) list_changes: bool,
    pub(super) slice_extension: bool,
    pub(super) chroma_offset_lists: bool,
}

impl Pps {
    /// `None` also where it has extensions for layers, depth or screen content, which change slice
    /// headers.
    pub(super) fn read(bits: &mut Rbsp<'_>) -> Option<Self> {
        let (id, sps) = (bits.at_most(63)?, bits.at_most(15)?);
        let (dependent_slices, output_flag) = (bits.flag()?, bits.flag()?);
        let extra_bits = bits.bits(3)?;
        bits.flag()?; // sign_data_hiding_enabled_flag
        let cabac_init = bits.flag()?;
        let references = [bits.at_most(15)?, bits.at_most(15)?];
        bits.signed()?; // init_qp_minus26
        bits.flag()?; // constrained_intra_pred_flag
        let transform_skip = bits.flag()?;
        if bits.flag()? {
            bits.unsigned()?; // diff_cu_qp_delta_depth
        }
        (0..2).try_for_each(|_| bits.signed().map(|_| ()))?; // pps_cb_qp_offset, pps_cr_qp_offset
        let chroma_offsets = bits.flag()?;
        let weighted = [bits.flag()?, bits.flag()?];
        bits.flag()?; // transquant_bypass_enabled_flag
        let (tiles, synchronised) = (bits.flag()?, bits.flag()?);
        if tiles {
            skip_tiles(bits)?;
        }
        let filter_across_slices = bits.flag()?;
        let (mut deblocking_override, mut deblocking_disabled) = (false, false);
        if bits.flag()? {
            deblocking_override = bits.flag()?;
            deblocking_disabled = bits.flag()?;
            if !deblocking_disabled {
                (0..2).try_for_each(|_| bits.signed().map(|_| ()))?;
            }
        }
        if bits.flag()? {
            scaling::skip(bits)?;
        }
        let list_changes = bits.flag()?;
        bits.unsigned()?; // log2_parallel_merge_level_minus2
        let slice_extension = bits.flag()?;
        let chroma_offset_lists = bits.flag()? && extensions(bits, transform_skip)?;
        Some(Self {
            id,
            sps,
            dependent_slices,
            output_flag,
            extra_bits,
            cabac_init,
            references,
            chroma_offsets,
            weighted,
            entry_points: tiles || synchronised,
            filter_across_slices,
            deblocking_override,
            deblocking_disabled,
            list_changes,
            slice_extension,
            chroma_offset_lists,
        })
    }
}

fn skip_tiles(bits: &mut Rbsp<'_>) -> Option<()> {
    let (columns, rows) = (bits.at_most(63)?, bits.at_most(63)?);
    if !bits.flag()? {
        (0..columns + rows).try_for_each(|_| bits.unsigned().map(|_| ()))?;
    }
    bits.flag()?; // loop_filter_across_tiles_enabled_flag
    Some(())
}

/// Whether slices have `cu_chroma_qp_offset_enabled_flag` (7.3.2.3.2).
fn extensions(bits: &mut Rbsp<'_>, transform_skip: bool) -> Option<bool> {
    let range = bits.flag()?;
    if bits.bits(7)? != 0 {
        return None;
    }
    if !range {
        return Some(false);
    }
    if transform_skip {
        bits.unsigned()?; // log2_max_transform_skip_block_size_minus2
    }
    bits.flag()?; // cross_component_prediction_enabled_flag
    bits.flag()
}
