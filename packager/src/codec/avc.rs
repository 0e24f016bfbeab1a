//! AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1).

use crate::PackagerError;

/// Thirty-one sets of 64 KiB would fit the format; what encoders write is a few hundred bytes.
const MAX_BYTES: usize = 64 * 1024;
/// NAL unit types (ITU-T H.264 table 7-1).
const SPS: u8 = 7;
const PPS: u8 = 8;

/// The profile, constraint flags and level of a record that is only handed on.
pub(super) fn profile(record: &[u8]) -> Option<[u8; 3]> {
    match *record {
        [1, profile, constraints, level, ..] => Some([profile, constraints, level]),
        _ => None,
    }
}

/// Walks the record; its profile, constraint flags and level.
pub(crate) fn check(record: &[u8]) -> Result<[u8; 3], PackagerError> {
    let wrong = |problem: &str| PackagerError::DecoderConfig {
        record: "AVCDecoderConfigurationRecord",
        problem: problem.to_owned(),
    };
    if record.len() > MAX_BYTES {
        return Err(wrong("longer than 64 KiB"));
    }
    let Some((&[version, profile, constraints, level, lengths, sps_count], rest)) =
        record.split_first_chunk::<6>()
    else {
        return Err(wrong("shorter than its fixed part"));
    };
    if version != 1 {
        return Err(wrong("unknown version"));
    }
    if lengths & 0b11 != 3 {
        return Err(wrong("NAL unit lengths are not 4 bytes"));
    }
    let rest = parameter_sets(rest, sps_count & 0x1f, SPS)
        .ok_or_else(|| wrong("its sequence parameter sets are missing or cut short"))?;
    let (&pps_count, rest) =
        rest.split_first().ok_or_else(|| wrong("its picture parameter sets are missing"))?;
    parameter_sets(rest, pps_count, PPS)
        .ok_or_else(|| wrong("its picture parameter sets are missing or cut short"))?;
    Ok([profile, constraints, level])
}

/// Skips `count` parameter sets of NAL type `kind`; what follows them, or `None` if they are
/// not there.
fn parameter_sets(mut bytes: &[u8], count: u8, kind: u8) -> Option<&[u8]> {
    if count == 0 {
        return None;
    }
    for _ in 0..count {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (set, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if set.first()? & 0x1f != kind {
            return None;
        }
        bytes = rest;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: [u8; 13] = [1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68];

    #[test]
    fn reads_profile_and_level() {
        assert_eq!(check(&RECORD), Ok([0x64, 0, 0x28]));
        // High profile appends chroma format and bit depths.
        assert!(check(&[RECORD.as_slice(), &[0xfd, 0xf8, 0xf8, 0]].concat()).is_ok());
    }

    #[test]
    fn refuses_what_is_cut_short() {
        for length in 0..RECORD.len() {
            assert!(check(&RECORD[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn refuses_what_the_packager_does_not_do() {
        for (at, value) in [(0, 2), (4, 0xfd), (5, 0xe0), (8, 0x68), (9, 0), (12, 0x67)] {
            let mut record = RECORD;
            record[at] = value;
            assert!(check(&record).is_err(), "byte {at}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = check(&bytes);
        }
    }
}
