//! Elementary stream descriptor (14496-14 6.7.2) around an ES_Descriptor (14496-1 7.2.6.5).

use super::BoxWriter;
use crate::cmaf::AudioConfig;

/// objectTypeIndication of ISO/IEC 14496-3 audio.
const MPEG4_AUDIO: u8 = 0x40;
/// streamType audio (5), upStream 0, reserved bit 1.
const AUDIO_STREAM: u8 = 0x15;
/// The decoder's input buffer, bytes a channel (14496-3 4.5.3.1: 6144 bits).
const BUFFER_PER_CHANNEL: u32 = 768;

/// The caller has checked that the AudioSpecificConfig is short enough for one-byte lengths.
pub(crate) fn write(w: &mut BoxWriter, config: &AudioConfig) {
    let specific = descriptor(0x05, &config.asc);
    let mut decoder = vec![MPEG4_AUDIO, AUDIO_STREAM];
    let buffer = u32::from(config.channels) * BUFFER_PER_CHANNEL;
    decoder.extend_from_slice(&buffer.to_be_bytes()[1..]); // 24 bits
    decoder.extend_from_slice(&config.max_bitrate.to_be_bytes());
    decoder.extend_from_slice(&config.avg_bitrate.to_be_bytes());
    decoder.extend_from_slice(&specific);

    let mut stream = vec![0, 0, 0]; // ES_ID 0 as 14496-14 asks, no flags
    stream.extend_from_slice(&descriptor(0x04, &decoder));
    stream.extend_from_slice(&descriptor(0x06, &[0x02])); // SLConfig predefined for MP4
    w.full_box(b"esds", 0, 0, |w| w.bytes(&descriptor(0x03, &stream)));
}

fn descriptor(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).expect("an AudioSpecificConfig is limited to 64 bytes");
    debug_assert!(length < 0x80, "longer than one byte of length can say");
    [&[tag, length], body].concat()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn nests_its_descriptors() {
        let config = AudioConfig {
            timescale: 48_000,
            channels: 2,
            asc: Bytes::from_static(&[0x11, 0x90]),
            priming: 1024,
            max_bitrate: 130_000,
            avg_bitrate: 128_000,
        };
        let bytes = crate::boxes::written(|w| write(w, &config));
        let expected = [
            b"\0\0\0\x27esds\0\0\0\0".as_slice(),
            &[0x03, 25, 0, 0, 0],
            &[0x04, 17, 0x40, 0x15, 0x00, 0x06, 0x00],
            &130_000_u32.to_be_bytes(),
            &128_000_u32.to_be_bytes(),
            &[0x05, 2, 0x11, 0x90],
            &[0x06, 1, 0x02],
        ];
        assert_eq!(bytes, expected.concat());
    }
}
