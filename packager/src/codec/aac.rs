//! AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1), as far as the container needs it.

use crate::PackagerError;
use crate::bitstream::Bits;

/// AAC's are 2 to about 10 bytes; the descriptors around it count in 7 bits.
const MAX_BYTES: usize = 64;
/// Table 1.18: samples a second by index.
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Table 1.19: channels by configuration; 0 says that a program config element tells.
const CHANNELS: [u16; 8] = [0, 1, 2, 3, 4, 5, 6, 8];
const EXPLICIT_RATE: u32 = 15;
const ESCAPE: u32 = 31;

/// What the container needs of an AudioSpecificConfig.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AudioSpecificConfig {
    /// 2 is AAC-LC (table 1.17).
    pub(crate) object_type: u32,
    /// Samples a second of the core coder.
    pub(crate) sample_rate: u32,
    /// Channels, `None` if a program config element tells.
    pub(crate) channels: Option<u16>,
}

impl AudioSpecificConfig {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, PackagerError> {
        let wrong = |problem: &str| PackagerError::DecoderConfig {
            record: "AudioSpecificConfig",
            problem: problem.to_owned(),
        };
        if bytes.len() > MAX_BYTES {
            return Err(wrong("longer than 64 bytes"));
        }
        let cut = || wrong("cut short");
        let mut bits = Bits::new(bytes);
        let object_type = match bits.take(5).ok_or_else(cut)? {
            ESCAPE => 32 + bits.take(6).ok_or_else(cut)?,
            object_type => object_type,
        };
        if object_type == 0 {
            return Err(wrong("no audio object type"));
        }
        let sample_rate = match bits.take(4).ok_or_else(cut)? {
            EXPLICIT_RATE => bits.take(24).ok_or_else(cut)?,
            index => {
                *RATES.get(index as usize).ok_or_else(|| wrong("reserved sampling frequency"))?
            }
        };
        let configuration = bits.take(4).ok_or_else(cut)? as usize;
        let channels =
            *CHANNELS.get(configuration).ok_or_else(|| wrong("reserved channel configuration"))?;
        Ok(Self { object_type, sample_rate, channels: (channels > 0).then_some(channels) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_low_complexity() {
        let stereo = AudioSpecificConfig { object_type: 2, sample_rate: 48_000, channels: Some(2) };
        assert_eq!(AudioSpecificConfig::parse(&[0x11, 0x90]), Ok(stereo));
        let mono = AudioSpecificConfig { object_type: 2, sample_rate: 44_100, channels: Some(1) };
        assert_eq!(AudioSpecificConfig::parse(&[0x12, 0x08]), Ok(mono));
    }

    #[test]
    fn reads_escapes() {
        // 11111 001010 (type 42, xHE-AAC), 1111 and 24 bits of rate, 0010 channels.
        let bits = "11111001010".to_owned() + "1111" + &format!("{:024b}", 47_999) + "0010" + "0";
        let bytes: Vec<u8> = bits
            .as_bytes()
            .chunks(8)
            .map(|c| u8::from_str_radix(&format!("{:0<8}", String::from_utf8_lossy(c)), 2).unwrap())
            .collect();
        let expected =
            AudioSpecificConfig { object_type: 42, sample_rate: 47_999, channels: Some(2) };
        assert_eq!(AudioSpecificConfig::parse(&bytes), Ok(expected));
    }

    #[test]
    fn refuses_what_is_wrong() {
        for bad in [&[][..], &[0x11], &[0x00, 0x10], &[0x16, 0x90], &[0x11, 0xc8], &[0x11; 65]] {
            assert!(AudioSpecificConfig::parse(bad).is_err(), "{bad:x?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = AudioSpecificConfig::parse(&bytes);
        }
    }
}
