//! Slice segment header (ITU-T H.265 7.3.6.1): read to find its end.

use super::{
    IDR_SLICES, ParameterSets, RANDOM_ACCESS_SLICES, pps::Pps, references::References, sps::Sps,
};
use crate::bitstream::{Rbsp, bits_for};

/// Substreams of a slice, at most: the tiles and rows of blocks of the highest level (A.4.1).
const MAX_ENTRY_POINTS: u32 = 20 * 22 * 600;
/// Slice types (table 7-7).
const B: u32 = 0;
const P: u32 = 1;

/// Reads up to where slice data begins, the alignment included.
pub(super) fn skip(bits: &mut Rbsp<'_>, sets: &ParameterSets, kind: u8) -> Option<()> {
    let is_first = bits.flag()?;
    if (*RANDOM_ACCESS_SLICES.start()..=23).contains(&kind) {
        bits.flag()?; // no_output_of_prior_pics_flag
    }
    let pps = sets.pps.get(&bits.unsigned()?)?;
    let sps = sets.sps.get(&pps.sps)?;
    let mut is_dependent = false;
    if !is_first {
        is_dependent = pps.dependent_slices && bits.flag()?;
        bits.skip(bits_for(sps.blocks))?; // slice_segment_address
    }
    if !is_dependent {
        skip_independent(bits, sps, pps, kind)?;
    }
    if pps.entry_points {
        let count = bits.at_most(MAX_ENTRY_POINTS)?;
        if count > 0 {
            let width = bits.at_most(31)? + 1;
            (0..count).try_for_each(|_| bits.skip(width))?;
        }
    }
    if pps.slice_extension {
        let bytes = bits.at_most(256)?;
        bits.skip(bytes * 8)?;
    }
    // byte_alignment(): a one, then zeros to the end of the byte.
    bits.flag().filter(|&one| one).map(|_| ())
}

fn skip_independent(bits: &mut Rbsp<'_>, sps: &Sps, pps: &Pps, kind: u8) -> Option<()> {
    bits.skip(pps.extra_bits)?;
    let slice = bits.at_most(2)?;
    if pps.output_flag {
        bits.flag()?; // pic_output_flag
    }
    if sps.separate_planes {
        bits.skip(2)?; // colour_plane_id
    }
    let mut order = Order { references: 0, temporal_motion: false };
    if !IDR_SLICES.contains(&kind) {
        order = read_order(bits, sps)?;
    }
    let mut filtered = false;
    if sps.sample_adaptive_offset {
        filtered |= bits.flag()?;
        filtered |= sps.chroma != 0 && bits.flag()?;
    }
    if slice == P || slice == B {
        skip_prediction(bits, sps, pps, &order, slice == B)?;
    }
    bits.signed()?; // slice_qp_delta
    if pps.chroma_offsets {
        (0..2).try_for_each(|_| bits.signed().map(|_| ()))?;
    }
    if pps.chroma_offset_lists {
        bits.flag()?; // cu_chroma_qp_offset_enabled_flag
    }
    let mut deblocking_disabled = pps.deblocking_disabled;
    if pps.deblocking_override && bits.flag()? {
        deblocking_disabled = bits.flag()?;
        if !deblocking_disabled {
            (0..2).try_for_each(|_| bits.signed().map(|_| ()))?;
        }
    }
    if pps.filter_across_slices && (filtered || !deblocking_disabled) {
        bits.flag()?; // slice_loop_filter_across_slices_enabled_flag
    }
    Some(())
}

/// What a picture that is no IDR refers to.
struct Order {
    /// `NumPicTotalCurr`.
    references: u32,
    temporal_motion: bool,
}

fn read_order(bits: &mut Rbsp<'_>, sps: &Sps) -> Option<Order> {
    bits.skip(sps.order_bits)?;
    let known = &sps.reference_sets;
    let mut references = if bits.flag()? {
        let index = bits.bits(bits_for(known.len() as u32))? as usize;
        known.get(index)?.used()
    } else {
        References::read(bits, known, true)?.used()
    };
    if let Some(long_term) = &sps.long_term {
        let listed = long_term.used.len() as u32;
        let from_sps = if listed > 0 { bits.at_most(listed)? } else { 0 };
        let own = bits.at_most(32)?;
        for number in 0..from_sps + own {
            let used = if number < from_sps {
                *long_term.used.get(bits.bits(bits_for(listed))? as usize)?
            } else {
                bits.skip(sps.order_bits)?;
                bits.flag()?
            };
            references += u32::from(used);
            if bits.flag()? {
                bits.unsigned()?; // delta_poc_msb_cycle_lt
            }
        }
    }
    let temporal_motion = sps.temporal_motion && bits.flag()?;
    Some(Order { references, temporal_motion })
}

/// Of P and B slices: numbers of references, changes to lists, weights, motion.
fn skip_prediction(
    bits: &mut Rbsp<'_>,
    sps: &Sps,
    pps: &Pps,
    order: &Order,
    is_b: bool,
) -> Option<()> {
    let lists = if is_b { 2 } else { 1 };
    let mut references = pps.references;
    if bits.flag()? {
        for count in &mut references[..lists] {
            *count = bits.at_most(15)?;
        }
    }
    let references = &references[..lists];
    if pps.list_changes && order.references > 1 {
        let width = bits_for(order.references);
        for &last in references {
            if bits.flag()? {
                bits.skip((last + 1) * width)?;
            }
        }
    }
    if is_b {
        bits.flag()?; // mvd_l1_zero_flag
    }
    if pps.cabac_init {
        bits.flag()?; // cabac_init_flag
    }
    if order.temporal_motion {
        let from_second = is_b && !bits.flag()?;
        if references[usize::from(from_second)] > 0 {
            bits.unsigned()?; // collocated_ref_idx
        }
    }
    if pps.weighted[usize::from(is_b)] {
        skip_weights(bits, sps, references)?;
    }
    bits.unsigned()?; // five_minus_max_num_merge_cand
    Some(())
}

/// `pred_weight_table` (7.3.6.3) of pictures in one layer.
fn skip_weights(bits: &mut Rbsp<'_>, sps: &Sps, references: &[u32]) -> Option<()> {
    bits.unsigned()?; // luma_log2_weight_denom
    let has_chroma = sps.chroma != 0;
    if has_chroma {
        bits.signed()?; // delta_chroma_log2_weight_denom
    }
    for &last in references {
        let flags =
            |bits: &mut Rbsp<'_>| (0..=last).map(|_| bits.flag()).collect::<Option<Vec<_>>>();
        let luma = flags(bits)?;
        let chroma = if has_chroma { flags(bits)? } else { vec![false; luma.len()] };
        for (luma, chroma) in luma.into_iter().zip(chroma) {
            let values = if luma { 2 } else { 0 } + if chroma { 4 } else { 0 };
            (0..values).try_for_each(|_| bits.signed().map(|_| ()))?;
        }
    }
    Some(())
}
