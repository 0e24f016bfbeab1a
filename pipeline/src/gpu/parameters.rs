//! Parameter sets of every encoder say the same of what players were promised.
//!
//! The codecs string of a rendition is read once, from the first encoder's parameter sets, and holds
//! for the title (RFC 6381: `avc1.` and profile, constraints, level). So a device's sets are
//! brought to what the plan and x264 say: High profile without constraint flags, at the rung's
//! level. Both changes keep them true: a constraint flag only promises to do without something, and
//! a stream of a level conforms to every higher one.

use crate::PipelineError;

/// profile_idc of the High profile.
const HIGH: u8 = 100;
/// Bits of the second byte that promise something; the last two are reserved.
const CONSTRAINTS: u8 = 0;
/// Where an SPS has profile_idc, constraints and level_idc, after its NAL header (7.3.2.1.1).
const SPS_HEAD: usize = 4;
/// Where a record has its first SPS: five bytes, the count, two bytes of length (ISO/IEC 14496-15,
/// 5.3.3.1).
const FIRST_SPS: usize = 8;

/// An AVCDecoderConfigurationRecord that promises High at `level` (times ten).
///
/// # Errors
/// [`PipelineError::Device`] if the encoder's profile is another, its own level is higher, or it
/// has no SPS or several.
pub(crate) fn unified(record: &[u8], level: u32) -> Result<Vec<u8>, PipelineError> {
    let level = u8::try_from(level).unwrap_or(u8::MAX);
    let mut unified = record.to_vec();
    let one = record.get(5).is_some_and(|count| count & 0x1f == 1);
    let head = unified.get(FIRST_SPS..FIRST_SPS + SPS_HEAD);
    let Some(&[_, profile, _, own]) = head.filter(|_| one) else {
        return Err(PipelineError::device("the encoder gave no parameter sets"));
    };
    if profile != HIGH {
        return Err(PipelineError::device(format!("the encoder chose H.264 profile {profile}")));
    }
    if own > level {
        let message = format!("the encoder chose H.264 level {own}, above the planned {level}");
        return Err(PipelineError::device(message));
    }
    for at in [1, FIRST_SPS + 1] {
        unified[at..at + 3].copy_from_slice(&[HIGH, CONSTRAINTS, level]);
    }
    Ok(unified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(profile: u8, constraints: u8, level: u8) -> Vec<u8> {
        let sps = [0x67, profile, constraints, level, 0xac];
        let head = [1, profile, constraints, level, 0xff, 0xe1, 0, sps.len() as u8];
        [&head[..], &sps, &[1, 0, 1, 0x68]].concat()
    }

    #[test]
    fn what_a_device_says_is_raised_to_what_was_promised() {
        assert_eq!(unified(&record(100, 0x0c, 30), 31).unwrap(), record(100, 0, 31));
        assert_eq!(unified(&record(100, 0, 31), 31).unwrap(), record(100, 0, 31));
    }

    #[test]
    fn what_was_not_promised_is_refused() {
        assert!(unified(&record(100, 0, 40), 31).is_err(), "a level too high");
        assert!(unified(&record(77, 0, 31), 31).is_err(), "Main");
        for cut in 0..12 {
            assert!(unified(&record(100, 0, 31)[..cut], 31).is_err(), "{cut}");
        }
        let mut two = record(100, 0, 31);
        two[5] = 0xe2;
        assert!(unified(&two, 31).is_err());
    }
}
