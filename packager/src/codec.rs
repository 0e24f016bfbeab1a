//! RFC 6381 `codecs` values, read from decoder configurations.

mod aac;
mod av1;
mod avc;
mod coding;
mod dolby;
mod esds;
mod hevc;
mod text;
mod vp9;

pub(crate) use aac::AudioSpecificConfig;
pub(crate) use avc::check as check_avcc;
pub use coding::{Coding, SoundCoding, VideoRange, of_sound, of_video};
pub use text::{TextCoding, TextForm, of_text};

use crate::PackagerError;

/// `avc1.PPCCLL` (RFC 6381 3.3) of an AVCDecoderConfigurationRecord: profile, constraint flags
/// and level in lower-case hexadecimal.
pub fn avc(avcc: &[u8]) -> Result<String, PackagerError> {
    let [profile, constraints, level] = avc::check(avcc)?;
    Ok(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
}

/// `mp4a.40.N` (RFC 6381 3.3) of an AudioSpecificConfig, N its audio object type.
pub fn aac(asc: &[u8]) -> Result<String, PackagerError> {
    let config = AudioSpecificConfig::parse(asc)?;
    Ok(format!("mp4a.40.{}", config.object_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_we_encode() {
        let avcc = [1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68];
        assert_eq!(avc(&avcc).unwrap(), "avc1.64001f");
        assert_eq!(aac(&[0x11, 0x90]).unwrap(), "mp4a.40.2");
    }
}
