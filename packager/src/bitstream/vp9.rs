//! VP9 (bitstream specification 0.6): uncompressed headers, read to find their end.

use super::Bits;

/// Bits of the features of a segment, and whether a sign follows (6.2.11).
const FEATURES: [(usize, bool); 4] = [(8, true), (6, true), (2, false), (0, false)];
const RGB: u32 = 7;

/// Sizes of the reference pictures, which headers name instead of telling them.
#[derive(Debug, Clone, Default)]
pub(crate) struct References {
    sizes: [Option<(u32, u32)>; 8],
}

/// Lengths of the frames of a sample (annex B); what they leave is the index.
pub(crate) fn frames(sample: &[u8]) -> Option<Vec<usize>> {
    let alone = Some(vec![sample.len()]);
    let &marker = sample.last()?;
    if marker & 0b1110_0000 != 0b1100_0000 {
        return alone;
    }
    let (count, width) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let index = 2 + count * width;
    let Some(begin) = sample.len().checked_sub(index).filter(|&at| sample[at] == marker) else {
        return alone;
    };
    let sizes = sample[begin + 1..sample.len() - 1].chunks(width);
    let size =
        |bytes: &[u8]| bytes.iter().rev().fold(0, |size, &byte| size << 8 | usize::from(byte));
    let sizes: Vec<_> = sizes.map(size).collect();
    (sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size))? <= begin).then_some(sizes)
}

impl References {
    /// Bytes of a frame's uncompressed header; of a frame that only shows another, all.
    pub(crate) fn header(&mut self, frame: &[u8]) -> Option<usize> {
        let mut bits = Bits::new(frame);
        if bits.take(2)? != 2 {
            return None;
        }
        let profile = bits.take(1)? | bits.take(1)? << 1;
        if profile == 3 {
            bits.take(1)?;
        }
        if bits.flag()? {
            return Some(frame.len()); // show_existing_frame
        }
        let (is_inter, show, resilient) = (bits.flag()?, bits.flag()?, bits.flag()?);
        let (refresh, size) = if is_inter {
            self.dependent(&mut bits, profile, show, resilient)?
        } else {
            bits.skip(24)?; // frame_sync_code
            skip_colours(&mut bits, profile)?;
            (0xff, read_size(&mut bits)?)
        };
        if !resilient {
            bits.skip(2)?; // refresh_frame_context, frame_parallel_decoding_mode
        }
        bits.skip(2)?; // frame_context_idx
        skip_filter(&mut bits)?;
        bits.skip(8)?; // base_q_idx
        for _ in 0..3 {
            if bits.flag()? {
                bits.skip(5)?;
            }
        }
        skip_segmentation(&mut bits)?;
        skip_tiles(&mut bits, size.0)?;
        bits.skip(16)?; // header_size_in_bytes
        for (slot, kept) in self.sizes.iter_mut().enumerate() {
            if refresh >> slot & 1 == 1 {
                *kept = Some(size);
            }
        }
        Some(bits.bytes_read())
    }

    /// Of a frame that is no key frame: which references it becomes, and its size.
    fn dependent(
        &self,
        bits: &mut Bits<'_>,
        profile: u32,
        show: bool,
        resilient: bool,
    ) -> Option<(u32, (u32, u32))> {
        let intra_only = !show && bits.flag()?;
        if !resilient {
            bits.skip(2)?; // reset_frame_context
        }
        if intra_only {
            bits.skip(24)?; // frame_sync_code
            if profile > 0 {
                skip_colours(bits, profile)?;
            }
            return Some((bits.take(8)?, read_size(bits)?));
        }
        let refresh = bits.take(8)?;
        let mut slots = [0; 3];
        for slot in &mut slots {
            *slot = bits.take(3)? as usize;
            bits.skip(1)?; // ref_frame_sign_bias
        }
        let mut size = None;
        for slot in slots {
            if bits.flag()? {
                size = Some(self.sizes[slot]?);
                break;
            }
        }
        let size = match size {
            Some(size) => skip_render_size(bits).map(|()| size)?,
            None => read_size(bits)?,
        };
        bits.skip(1)?; // allow_high_precision_mv
        if !bits.flag()? {
            bits.skip(2)?; // raw_interpolation_filter
        }
        Some((refresh, size))
    }
}

fn skip_colours(bits: &mut Bits<'_>, profile: u32) -> Option<()> {
    if profile >= 2 {
        bits.skip(1)?; // ten_or_twelve_bit
    }
    let is_rgb = bits.take(3)? == RGB;
    let odd = profile & 1 == 1;
    match (is_rgb, odd) {
        (false, false) | (true, true) => bits.skip(1),
        (false, true) => bits.skip(4),
        (true, false) => Some(()),
    }
}

fn read_size(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    let size = (bits.take(16)? + 1, bits.take(16)? + 1);
    skip_render_size(bits)?;
    Some(size)
}

fn skip_render_size(bits: &mut Bits<'_>) -> Option<()> {
    if bits.flag()? { bits.skip(32) } else { Some(()) }
}

fn skip_filter(bits: &mut Bits<'_>) -> Option<()> {
    bits.skip(9)?; // level, sharpness
    if bits.flag()? && bits.flag()? {
        for _ in 0..6 {
            if bits.flag()? {
                bits.skip(7)?;
            }
        }
    }
    Some(())
}

fn skip_segmentation(bits: &mut Bits<'_>) -> Option<()> {
    if !bits.flag()? {
        return Some(());
    }
    let probabilities = |bits: &mut Bits<'_>, count| {
        (0..count).try_for_each(|_| if bits.flag()? { bits.skip(8) } else { Some(()) })
    };
    if bits.flag()? {
        probabilities(bits, 7)?;
        if bits.flag()? {
            probabilities(bits, 3)?;
        }
    }
    if bits.flag()? {
        bits.skip(1)?; // segmentation_abs_or_delta_update
        for (width, has_sign) in [FEATURES; 8].concat() {
            if bits.flag()? {
                bits.skip(width + usize::from(has_sign))?;
            }
        }
    }
    Some(())
}

/// `tile_info` (6.2.13): tiles are 256 to 4096 pixels wide.
fn skip_tiles(bits: &mut Bits<'_>, width: u32) -> Option<()> {
    let blocks = width.div_ceil(64);
    let mut columns = 0;
    while 64 << columns < blocks {
        columns += 1;
    }
    while blocks >> (columns + 1) >= 4 && bits.flag()? {
        columns += 1;
    }
    if bits.flag()? { bits.skip(1) } else { Some(()) }
}
