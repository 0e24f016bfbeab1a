//! VPCodecConfigurationBox (VP codec ISO media file format binding) as a `codecs` value.

use crate::bitstream::Bits;

/// `00.31.08.01.01.01.01.00`, all fields, and the transfer characteristics. `None` when the
/// record is cut short.
pub(super) fn profile(vpcc: &[u8]) -> Option<(String, u16)> {
    let mut bits = Bits::new(vpcc);
    bits.take(32)?; // version, flags
    let (profile, level) = (bits.take(8)?, bits.take(8)?);
    let (depth, chroma, full) = (bits.take(4)?, bits.take(3)?, bits.take(1)?);
    let (primaries, transfer, matrix) = (bits.take(8)?, bits.take(8)?, bits.take(8)?);
    let colours = format!("{chroma:02}.{primaries:02}.{transfer:02}.{matrix:02}.{full:02}");
    Some((format!("{profile:02}.{level:02}.{depth:02}.{colours}"), transfer as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_all_fields() {
        let vpcc = [1, 0, 0, 0, 2, 41, 0xa3, 9, 16, 9, 0, 0];
        assert_eq!(profile(&vpcc).unwrap(), ("02.41.10.01.09.16.09.01".to_owned(), 16));
        assert_eq!(profile(&vpcc[..9]), None);
    }
}
