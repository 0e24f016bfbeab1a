//! What an encoder hands to the packager.

use bytes::Bytes;

/// One coded picture or audio frame, codec-side (the container calls it a sample).
///
/// Times are ticks of the track's timescale. Decode times are implied: units come in decoding
/// order and each lasts `duration`, so the decode time of a unit is the sum of those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// Presentation time; the first picture of a track is 0.
    pub pts: i64,
    /// How long it lasts.
    pub duration: u32,
    /// Whether decoding can start here (IDR; every audio frame).
    pub key: bool,
    /// The coded bytes; H.264 as length-prefixed NAL units (ISO/IEC 14496-15).
    pub data: Bytes,
}
