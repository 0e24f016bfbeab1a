//! Sizes of frames (5.9.5 to 5.9.8).

use super::sequence::Sequence;
use crate::bitstream::Bits;

/// In pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// As it is coded.
    pub(super) width: u32,
    /// As it is shown and referred to.
    pub(super) upscaled: u32,
    pub(super) height: u32,
}

impl Size {
    pub(super) fn read(bits: &mut Bits<'_>, sequence: &Sequence, is_own: bool) -> Option<Self> {
        let (width, height) = if is_own {
            (bits.take(sequence.width_bits)? + 1, bits.take(sequence.height_bits)? + 1)
        } else {
            sequence.size
        };
        let size = Self { width, upscaled: width, height }.scaled(bits, sequence)?;
        if bits.flag()? {
            bits.skip(32)?; // render size
        }
        Some(size)
    }

    /// `superres_params`.
    pub(super) fn scaled(self, bits: &mut Bits<'_>, sequence: &Sequence) -> Option<Self> {
        if !sequence.superres || !bits.flag()? {
            return Some(Self { width: self.upscaled, ..self });
        }
        let denominator = bits.take(3)? + 9;
        Some(Self { width: (self.upscaled * 8 + denominator / 2) / denominator, ..self })
    }
}
