//! HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1) as a `codecs` value (annex E.3).

use std::fmt::Write;

/// `1.6.L93.B0`: profile space and profile, compatibility flags in reverse, tier and level,
/// constraint bytes without zeros at the end. `None` when the record is cut short.
pub(super) fn profile(record: &[u8]) -> Option<String> {
    let record = record.first_chunk::<13>()?;
    let space = ["", "A", "B", "C"][usize::from(record[1] >> 6)];
    let (tier, profile) = (record[1] >> 5 & 1, record[1] & 0x1f);
    let compatibility = u32::from_be_bytes([record[2], record[3], record[4], record[5]]);
    let (compatibility, level) = (compatibility.reverse_bits(), record[12]);
    let tier = if tier == 0 { 'L' } else { 'H' };
    let mut text = format!("{space}{profile}.{compatibility:X}.{tier}{level}");
    let constraints = &record[6..12];
    let used = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        write!(text, ".{byte:X}").expect("a String takes any text");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_profiles_as_annex_e_does() {
        let main = [1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(profile(&main).unwrap(), "1.6.L93.B0");
        let main10_high = [1, 0x22, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 1, 153];
        assert_eq!(profile(&main10_high).unwrap(), "2.4.H153.90.0.0.0.0.1");
        assert_eq!(profile(&main[..12]), None);
    }
}
