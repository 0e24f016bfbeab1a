//! Slice header (ITU-T H.264 7.3.3): read to find its end.

use super::{
    ParameterSets,
    pps::Pps,
    sps::{Order, Sps},
};
use crate::bitstream::Rbsp;

/// Memory management operations and list modifications of a slice, at most: far more than the
/// fields of 16 frames allow.
const MAX_OPERATIONS: usize = 128;

/// Slice types (table 7-6), those that say that all slices are alike folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    P,
    B,
    I,
    Sp,
    Si,
}

/// Reads up to where slice data begins.
pub(super) fn skip(
    bits: &mut Rbsp<'_>,
    sets: &ParameterSets,
    ref_idc: u8,
    is_idr: bool,
) -> Option<()> {
    bits.unsigned()?; // first_mb_in_slice
    let kind = [Kind::P, Kind::B, Kind::I, Kind::Sp, Kind::Si][bits.at_most(9)? as usize % 5];
    let pps = sets.pps.get(&bits.unsigned()?)?;
    let sps = sets.sps.get(&pps.sps)?;
    skip_order(bits, sps, pps, is_idr)?;
    if pps.redundant_count {
        bits.unsigned()?;
    }
    if kind == Kind::B {
        bits.flag()?; // direct_spatial_mv_pred_flag
    }
    skip_references(bits, sps, pps, kind)?;
    if ref_idc != 0 {
        skip_marking(bits, is_idr)?;
    }
    let is_intra = matches!(kind, Kind::I | Kind::Si);
    if pps.cabac && !is_intra {
        bits.unsigned()?; // cabac_init_idc
    }
    bits.signed()?; // slice_qp_delta
    if kind == Kind::Sp {
        bits.flag()?; // sp_for_switch_flag
    }
    if matches!(kind, Kind::Sp | Kind::Si) {
        bits.signed()?; // slice_qs_delta
    }
    if pps.deblocking_control && bits.unsigned()? != 1 {
        bits.signed()?;
        bits.signed()?;
    }
    Some(())
}

/// From `colour_plane_id` to `delta_pic_order_cnt`.
fn skip_order(bits: &mut Rbsp<'_>, sps: &Sps, pps: &Pps, is_idr: bool) -> Option<()> {
    if sps.separate_planes {
        bits.skip(2)?;
    }
    bits.skip(sps.frame_num_bits)?;
    let is_field = !sps.frames_only && bits.flag()?;
    if is_field {
        bits.flag()?; // bottom_field_flag
    }
    if is_idr {
        bits.unsigned()?; // idr_pic_id
    }
    let both_fields = pps.bottom_field_order && !is_field;
    match sps.order {
        Order::Lsb(count) => {
            bits.skip(count)?;
            if both_fields {
                bits.signed()?;
            }
        }
        Order::Deltas { always_zero: false } => {
            bits.signed()?;
            if both_fields {
                bits.signed()?;
            }
        }
        Order::Deltas { always_zero: true } | Order::Decoding => {}
    }
    Some(())
}

/// Numbers of references, changes to their lists (7.3.3.1), weights (7.3.3.2).
fn skip_references(bits: &mut Rbsp<'_>, sps: &Sps, pps: &Pps, kind: Kind) -> Option<()> {
    let lists = match kind {
        Kind::I | Kind::Si => return Some(()),
        Kind::P | Kind::Sp => 1,
        Kind::B => 2,
    };
    let mut references = pps.references;
    if bits.flag()? {
        for count in &mut references[..lists] {
            *count = bits.at_most(31)?;
        }
    }
    for _ in 0..lists {
        if bits.flag()? {
            skip_until(bits, 3, |bits, _| bits.unsigned().map(|_| ()))?;
        }
    }
    let weighted = if kind == Kind::B { pps.weighted_b == 1 } else { pps.weighted };
    if weighted { skip_weights(bits, sps, &references[..lists]) } else { Some(()) }
}

fn skip_weights(bits: &mut Rbsp<'_>, sps: &Sps, references: &[u32]) -> Option<()> {
    bits.unsigned()?; // luma_log2_weight_denom
    if sps.chroma != 0 {
        bits.unsigned()?; // chroma_log2_weight_denom
    }
    for &last in references {
        for _ in 0..=last {
            let signed = |bits: &mut Rbsp<'_>, count: usize| {
                (0..count).try_for_each(|_| bits.signed().map(|_| ()))
            };
            if bits.flag()? {
                signed(bits, 2)?;
            }
            if sps.chroma != 0 && bits.flag()? {
                signed(bits, 4)?;
            }
        }
    }
    Some(())
}

/// `dec_ref_pic_marking` (7.3.3.3).
fn skip_marking(bits: &mut Rbsp<'_>, is_idr: bool) -> Option<()> {
    if is_idr {
        return bits.skip(2);
    }
    if !bits.flag()? {
        return Some(());
    }
    skip_until(bits, 0, |bits, operation| {
        let values = match operation {
            1 | 2 | 4 | 6 => 1,
            3 => 2,
            _ => 0,
        };
        (0..values).try_for_each(|_| bits.unsigned().map(|_| ()))
    })
}

/// Operations with their values, up to the one that is `end`.
fn skip_until(
    bits: &mut Rbsp<'_>,
    end: u32,
    mut values: impl FnMut(&mut Rbsp<'_>, u32) -> Option<()>,
) -> Option<()> {
    for _ in 0..MAX_OPERATIONS {
        let operation = bits.at_most(6)?;
        if operation == end {
            return Some(());
        }
        values(bits, operation)?;
    }
    None
}
