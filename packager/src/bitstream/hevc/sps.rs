//! Sequence parameter set (ITU-T H.265 7.3.2.2).

use super::{references::References, scaling};
use crate::bitstream::{Rbsp, avc::video_signal_transfer};

/// What slice headers and manifests need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sps {
    pub(super) id: u32,
    /// 0 where each plane is coded as a picture of its own, too (`ChromaArrayType`).
    pub(super) chroma: u32,
    pub(super) separate_planes: bool,
    pub(super) order_bits: u32,
    /// Coding tree blocks of a picture.
    pub(super) blocks: u32,
    pub(super) sample_adaptive_offset: bool,
    pub(super) reference_sets: Vec<References>,
    /// Long-term references: whether there are any, and how many are listed here.
    pub(super) long_term: Option<LongTerm>,
    pub(super) temporal_motion: bool,
    /// `transfer_characteristics`, where it is said.
    pub(crate) transfer: Option<u8>,
}

/// Long-term references of a sequence: for each whether pictures use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LongTerm {
    pub(super) used: Vec<bool>,
}

impl Sps {
    pub(super) fn read(bits: &mut Rbsp<'_>) -> Option<Self> {
        bits.skip(4)?; // sps_video_parameter_set_id
        let sub_layers = bits.bits(3).filter(|&last| last < 7)?;
        bits.flag()?; // sps_temporal_id_nesting_flag
        skip_profile(bits, sub_layers)?;
        let id = bits.at_most(15)?;
        let chroma = bits.at_most(3)?;
        let separate_planes = chroma == 3 && bits.flag()?;
        let (width, height) = (bits.at_most(1 << 16)?, bits.at_most(1 << 16)?);
        if bits.flag()? {
            (0..4).try_for_each(|_| bits.unsigned().map(|_| ()))?; // conformance window
        }
        bits.unsigned()?; // bit_depth_luma_minus8
        bits.unsigned()?; // bit_depth_chroma_minus8
        let order_bits = bits.at_most(12)? + 4;
        let all_layers = bits.flag()?;
        for _ in if all_layers { 0 } else { sub_layers }..=sub_layers {
            (0..3).try_for_each(|_| bits.unsigned().map(|_| ()))?;
        }
        let smallest = bits.at_most(3)? + 3;
        let block = smallest + bits.at_most(3)?;
        (0..4).try_for_each(|_| bits.unsigned().map(|_| ()))?; // transform blocks
        if bits.flag()? && bits.flag()? {
            scaling::skip(bits)?;
        }
        bits.flag()?; // amp_enabled_flag
        let sample_adaptive_offset = bits.flag()?;
        if bits.flag()? {
            bits.skip(8)?; // pcm bit depths
            (0..2).try_for_each(|_| bits.unsigned().map(|_| ()))?;
            bits.flag()?; // pcm_loop_filter_disabled_flag
        }
        let reference_sets = reference_sets(bits)?;
        let long_term = if bits.flag()? { Some(long_term(bits, order_bits)?) } else { None };
        let temporal_motion = bits.flag()?;
        bits.flag()?; // strong_intra_smoothing_enabled_flag
        // What comes now says nothing that slice headers need, so faults in it are none here.
        let transfer = transfer(bits);
        let across = |pixels: u32| pixels.div_ceil(1 << block);
        Some(Self {
            id,
            chroma: if separate_planes { 0 } else { chroma },
            separate_planes,
            order_bits,
            blocks: across(width).checked_mul(across(height))?,
            sample_adaptive_offset,
            reference_sets,
            long_term,
            temporal_motion,
            transfer,
        })
    }
}

/// `profile_tier_level` (7.3.3).
fn skip_profile(bits: &mut Rbsp<'_>, sub_layers: u32) -> Option<()> {
    const PROFILE: u32 = 88;
    const LEVEL: u32 = 8;
    bits.skip(PROFILE + LEVEL)?;
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.flag()?, bits.flag()?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { PROFILE } else { 0 } + if level { LEVEL } else { 0 })?;
    }
    Some(())
}

fn reference_sets(bits: &mut Rbsp<'_>) -> Option<Vec<References>> {
    let mut sets = Vec::new();
    for _ in 0..bits.at_most(64)? {
        sets.push(References::read(bits, &sets, false)?);
    }
    Some(sets)
}

fn long_term(bits: &mut Rbsp<'_>, order_bits: u32) -> Option<LongTerm> {
    let mut used = Vec::new();
    for _ in 0..bits.at_most(32)? {
        bits.skip(order_bits)?;
        used.push(bits.flag()?);
    }
    Some(LongTerm { used })
}

/// From `vui_parameters_present_flag` on.
fn transfer(bits: &mut Rbsp<'_>) -> Option<u8> {
    if bits.flag()? { video_signal_transfer(bits) } else { None }
}
