//! Sequence parameter set (ITU-T H.264 7.3.2.1.1, E.1.1).

use crate::bitstream::Rbsp;

/// Profiles that say how chroma is sampled.
const HIGH: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
/// `aspect_ratio_idc` of a ratio in numbers.
const EXTENDED_SAR: u32 = 255;

/// What slice headers and manifests need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sps {
    pub(super) id: u32,
    /// 0 where each plane is coded as a picture of its own, too (`ChromaArrayType`).
    pub(super) chroma: u32,
    pub(super) separate_planes: bool,
    pub(super) frame_num_bits: u32,
    pub(super) order: Order,
    pub(super) frames_only: bool,
    /// `transfer_characteristics`, where it is said.
    pub(crate) transfer: Option<u8>,
}

/// How the order of pictures is told (8.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By so many low bits.
    Lsb(u32),
    /// By differences, which may be left out.
    Deltas { always_zero: bool },
    /// As they are decoded.
    Decoding,
}

impl Sps {
    pub(super) fn read(bits: &mut Rbsp<'_>) -> Option<Self> {
        let profile = bits.bits(8)?;
        bits.skip(16)?; // constraints, level
        let id = bits.at_most(31)?;
        let (mut chroma, mut separate_planes) = (1, false);
        if HIGH.contains(&profile) {
            chroma = bits.at_most(3)?;
            separate_planes = chroma == 3 && bits.flag()?;
            bits.unsigned()?; // bit_depth_luma_minus8
            bits.unsigned()?; // bit_depth_chroma_minus8
            bits.flag()?; // qpprime_y_zero_transform_bypass_flag
            if bits.flag()? {
                skip_scaling_matrix(bits, if chroma == 3 { 12 } else { 8 })?;
            }
        }
        let frame_num_bits = bits.at_most(12)? + 4;
        let order = order(bits)?;
        bits.unsigned()?; // max_num_ref_frames
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
        bits.unsigned()?; // pic_width_in_mbs_minus1
        bits.unsigned()?; // pic_height_in_map_units_minus1
        let frames_only = bits.flag()?;
        if !frames_only {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        if bits.flag()? {
            (0..4).try_for_each(|_| bits.unsigned().map(|_| ()))?; // cropping
        }
        // What comes now says nothing that decoding needs, so faults in it are none here.
        let transfer = transfer(bits);
        let chroma = if separate_planes { 0 } else { chroma };
        Some(Self { id, chroma, separate_planes, frame_num_bits, order, frames_only, transfer })
    }
}

fn order(bits: &mut Rbsp<'_>) -> Option<Order> {
    match bits.at_most(2)? {
        0 => Some(Order::Lsb(bits.at_most(12)? + 4)),
        1 => {
            let always_zero = bits.flag()?;
            bits.signed()?; // offset_for_non_ref_pic
            bits.signed()?; // offset_for_top_to_bottom_field
            let cycle = bits.at_most(255)?;
            (0..cycle).try_for_each(|_| bits.signed().map(|_| ()))?;
            Some(Order::Deltas { always_zero })
        }
        _ => Some(Order::Decoding),
    }
}

/// `seq_scaling_matrix` (7.3.2.1.1.1).
fn skip_scaling_matrix(bits: &mut Rbsp<'_>, lists: usize) -> Option<()> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8_i32, 8_i32);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?.clamp(-128, 127) + 256) % 256;
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// From `vui_parameters_present_flag` on.
fn transfer(bits: &mut Rbsp<'_>) -> Option<u8> {
    if !bits.flag()? {
        return None;
    }
    video_signal_transfer(bits)
}

/// The beginning of VUI parameters, which H.265 E.2.1 has alike.
pub(in crate::bitstream) fn video_signal_transfer(bits: &mut Rbsp<'_>) -> Option<u8> {
    if bits.flag()? && bits.bits(8)? == EXTENDED_SAR {
        bits.skip(32)?;
    }
    if bits.flag()? {
        bits.flag()?; // overscan_appropriate_flag
    }
    if !bits.flag()? {
        return None;
    }
    bits.skip(4)?; // video_format, video_full_range_flag
    if !bits.flag()? {
        return None;
    }
    bits.skip(8)?; // colour_primaries
    bits.bits(8).map(|transfer| transfer as u8)
}
