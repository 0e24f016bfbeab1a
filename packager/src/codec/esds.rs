//! ES_Descriptor (14496-1 7.2.6.5) in an `esds` box.

/// objectTypeIndication of ISO/IEC 14496-3 audio.
pub(super) const MPEG4_AUDIO: u8 = 0x40;

const ES_DESCRIPTOR: u8 = 3;
const DECODER_CONFIG: u8 = 4;
const DECODER_SPECIFIC_INFO: u8 = 5;

/// What a stream is.
pub(super) struct Stream<'a> {
    pub(super) object_type: u8,
    /// DecoderSpecificInfo; empty where there is none.
    pub(super) specific: &'a [u8],
}

/// Reads the body of the box; `None` when it is cut short or of another form.
pub(super) fn read(esds: &[u8]) -> Option<Stream<'_>> {
    let (stream, _) = descriptor(esds.get(4..)?, ES_DESCRIPTOR)?;
    let (&[_, _, flags], mut rest) = stream.split_first_chunk::<3>()?;
    if flags & 0x80 != 0 {
        rest = rest.get(2..)?; // dependsOn_ES_ID
    }
    if flags & 0x40 != 0 {
        let length = usize::from(*rest.first()?);
        rest = rest.get(1 + length..)?; // URL
    }
    if flags & 0x20 != 0 {
        rest = rest.get(2..)?; // OCR_ES_Id
    }
    let (config, _) = descriptor(rest, DECODER_CONFIG)?;
    let object_type = *config.first()?;
    // Stream type, buffer size and rates lie between.
    let specific = descriptor(config.get(13..)?, DECODER_SPECIFIC_INFO);
    Some(Stream { object_type, specific: specific.map_or(&[], |(body, _)| body) })
}

/// The body of the descriptor `tag` at the beginning of `bytes`, and what follows it. Lengths
/// have 7 bits a byte, in at most four.
fn descriptor(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, mut rest) = bytes.split_first()?;
    if found != tag {
        return None;
    }
    let mut length = 0_usize;
    for _ in 0..4 {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_one_byte_or_four() {
        let specific = [5, 0x80, 0x80, 0x80, 2, 0x11, 0x90];
        let config =
            [&[4, 20, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &specific].concat();
        let stream = [&[0, 0, 0, 0, 3, 25, 0, 1, 0][..], &config].concat();
        let read = read(&stream).unwrap();
        assert_eq!((read.object_type, read.specific), (MPEG4_AUDIO, &[0x11, 0x90][..]));
        for length in 0..stream.len() {
            assert!(super::read(&stream[..length]).is_none(), "{length}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
