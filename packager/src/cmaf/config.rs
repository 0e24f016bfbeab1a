//! What an initialisation segment says about a track.

use bytes::Bytes;

use crate::PackagerError;

/// A video track: H.264.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoConfig {
    /// Ticks a second.
    pub timescale: u32,
    /// Pixels shown.
    pub width: u32,
    /// Pixels shown.
    pub height: u32,
    /// AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1) with 4-byte NAL unit lengths.
    pub avcc: Bytes,
    /// How colours are coded, where it is known.
    pub colour: Option<Colour>,
    /// The encoder's promise about its rate, where it made one.
    pub bit_rate: Option<BitRate>,
}

/// An audio track: AAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioConfig {
    /// Ticks a second: the sample rate.
    pub timescale: u32,
    /// Channels.
    pub channels: u16,
    /// AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).
    pub asc: Bytes,
    /// Samples at the start that hold no sound of the source; the edit list skips them.
    pub priming: u32,
    /// Bits in any second, at most.
    pub max_bitrate: u32,
    /// Bits a second over the whole track; 0 says it varies.
    pub avg_bitrate: u32,
}

/// Code points of ISO/IEC 23091-2 (the same as ITU-T H.273).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// ColourPrimaries.
    pub primaries: u16,
    /// TransferCharacteristics.
    pub transfer: u16,
    /// MatrixCoefficients.
    pub matrix: u16,
    /// Whether black is 0 and not 16.
    pub full_range: bool,
}

impl Colour {
    /// High definition's usual colours, limited range.
    pub const BT709: Self = Self { primaries: 1, transfer: 1, matrix: 1, full_range: false };
}

/// What a decoder must keep up with (ISO/IEC 14496-12 8.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitRate {
    /// The decoding buffer's size.
    pub buffer_bytes: u32,
    /// Bits in any second, at most.
    pub max: u32,
    /// Bits a second over the whole track.
    pub average: u32,
}

/// `value` as a narrower integer, if it is from `min` up to the widest the type holds.
pub(super) fn fit<T>(property: &'static str, value: u32, min: u32) -> Result<T, PackagerError>
where
    T: TryFrom<u32> + Bounded,
{
    let error = PackagerError::OutOfRange {
        property,
        value: u64::from(value),
        min: u64::from(min),
        max: T::MAX,
    };
    if value < min {
        return Err(error);
    }
    T::try_from(value).map_err(|_| error)
}

/// An integer that knows how far it goes.
pub(super) trait Bounded {
    const MAX: u64;
}

impl Bounded for u16 {
    const MAX: u64 = u16::MAX as u64;
}

impl Bounded for u32 {
    const MAX: u64 = u32::MAX as u64;
}
