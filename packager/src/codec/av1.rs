//! AV1CodecConfigurationRecord (AV1 in ISOBMFF 2.3.3) as a `codecs` value (section 5).

use super::coding::Nclx;
use crate::bitstream::Bits;

/// Colours that need not be named: BT.709, limited range.
const BT709: Nclx = [1, 1, 1, 0];

/// `0.08M.08`, and all other fields where one is not what it is taken for. `None` when the record
/// is cut short.
pub(super) fn profile(record: &[u8], colour: Option<Nclx>) -> Option<String> {
    let mut bits = Bits::new(record);
    bits.take(8)?; // marker, version
    let (profile, level) = (bits.take(3)?, bits.take(5)?);
    let (tier, high, twelve, mono) = (bits.take(1)?, bits.take(1)?, bits.take(1)?, bits.take(1)?);
    let (x, y, position) = (bits.take(1)?, bits.take(1)?, bits.take(2)?);
    let tier = if tier == 0 { 'M' } else { 'H' };
    let depth = match (high, twelve) {
        (0, _) => 8,
        (_, 0) => 10,
        _ => 12,
    };
    let short = format!("{profile}.{level:02}{tier}.{depth:02}");
    // The third digit tells where chroma lies, which only 4:2:0 has.
    let position = if x == 1 && y == 1 { position } else { 0 };
    let [primaries, transfer, matrix, full] = colour.unwrap_or(BT709);
    let usual = mono == 0 && (x, y, position) == (1, 1, 0);
    if usual && [primaries, transfer, matrix, full] == BT709 {
        return Some(short);
    }
    let colours = format!("{primaries:02}.{transfer:02}.{matrix:02}.{full}");
    Some(format!("{short}.{mono}.{x}{y}{position}.{colours}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_unusual() {
        assert_eq!(profile(&[0x81, 0x08, 0x0c, 0], None).unwrap(), "0.08M.08");
        let pq = Some([9, 16, 9, 0]);
        assert_eq!(profile(&[0x81, 0x0d, 0x4e, 0], pq).unwrap(), "0.13M.10.0.112.09.16.09.0");
        assert_eq!(profile(&[0x81, 0x0d], None), None);
    }
}
