//! Quantisers, segments and filters of a frame (5.9.11 to 5.9.14, 5.9.17 to 5.9.20).

use super::sequence::Sequence;
use crate::bitstream::Bits;

/// Bits of the features of a segment, and whether one of them is a sign.
const FEATURES: [(usize, bool); 8] =
    [(8, true), (6, true), (6, true), (6, true), (6, true), (3, false), (0, false), (0, false)];

/// What segments change of the quantiser; `None` where they do not.
pub(super) type Segments = [Option<i32>; 8];

/// What later parts of the header depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantizer {
    base: u32,
    has_deltas: bool,
}

impl Quantizer {
    pub(super) fn read(bits: &mut Bits<'_>, sequence: &Sequence) -> Option<Self> {
        let base = bits.take(8)?;
        let mut has_deltas = delta(bits)?;
        if !sequence.mono {
            let differ = sequence.separate_uv && bits.flag()?;
            for _ in 0..if differ { 4 } else { 2 } {
                has_deltas |= delta(bits)?;
            }
        }
        if bits.flag()? {
            bits.skip(if sequence.separate_uv { 12 } else { 8 })?; // matrices
        }
        Some(Self { base, has_deltas })
    }

    /// `delta_q_params` and `delta_lf_params`.
    pub(super) fn skip_deltas(self, bits: &mut Bits<'_>, intrabc: bool) -> Option<()> {
        if self.base == 0 || !bits.flag()? {
            return Some(());
        }
        bits.skip(2)?; // delta_q_res
        if !intrabc && bits.flag()? { bits.skip(3) } else { Some(()) }
    }

    /// `CodedLossless`.
    pub(super) fn is_lossless(self, segments: &Segments) -> bool {
        let is_zero = |change: &Option<i32>| self.base as i32 + change.unwrap_or(0) <= 0;
        !self.has_deltas && segments.iter().all(is_zero)
    }
}

/// `read_delta_q`: whether it is not zero.
fn delta(bits: &mut Bits<'_>) -> Option<bool> {
    Some(bits.flag()? && bits.take(7)? != 0)
}

/// `segmentation_params`; `before` are those of the frame this one goes on from, if any.
pub(super) fn segments(bits: &mut Bits<'_>, before: Option<Segments>) -> Option<Segments> {
    if !bits.flag()? {
        return Some(Segments::default());
    }
    if let Some(before) = before {
        if bits.flag()? {
            bits.skip(1)?; // segmentation_temporal_update
        }
        if !bits.flag()? {
            return Some(before);
        }
    }
    let mut segments = Segments::default();
    for segment in &mut segments {
        for (feature, (width, has_sign)) in FEATURES.into_iter().enumerate() {
            if !bits.flag()? {
                continue;
            }
            let negative = has_sign && bits.flag()?;
            let value = bits.take(width)? as i32;
            if feature == 0 {
                *segment = Some(if negative { value - (1 << width) } else { value });
            }
        }
    }
    Some(segments)
}

/// `loop_filter_params` and `cdef_params` of a frame that has them.
pub(super) fn skip_filters(bits: &mut Bits<'_>, sequence: &Sequence) -> Option<()> {
    let levels = (bits.take(6)?, bits.take(6)?);
    if !sequence.mono && levels != (0, 0) {
        bits.skip(12)?;
    }
    bits.skip(3)?; // loop_filter_sharpness
    if bits.flag()? && bits.flag()? {
        for _ in 0..10 {
            if bits.flag()? {
                bits.skip(7)?;
            }
        }
    }
    if sequence.cdef {
        bits.skip(2)?; // cdef_damping_minus_3
        let strengths = 1 << bits.take(2)?;
        bits.skip(strengths * if sequence.mono { 6 } else { 12 })?;
    }
    Some(())
}

/// `lr_params` of a frame that has them.
pub(super) fn skip_restoration(bits: &mut Bits<'_>, sequence: &Sequence) -> Option<()> {
    let (mut any, mut chroma) = (false, false);
    for plane in 0..if sequence.mono { 1 } else { 3 } {
        let restored = bits.take(2)? != 0;
        any |= restored;
        chroma |= restored && plane > 0;
    }
    if !any {
        return Some(());
    }
    if bits.flag()? && !sequence.large_blocks {
        bits.skip(1)?; // lr_unit_extra_shift
    }
    if sequence.subsampling == (true, true) && chroma { bits.skip(1) } else { Some(()) }
}
