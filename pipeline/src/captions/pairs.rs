//! The pairs of bytes in what carries captions (CTA-608 and its wrappings).

use gstreamer as gst;
use gstreamer_video::{VideoCaptionMeta, VideoCaptionType};

/// Pairs a packet may have, at most: a picture has two, a track's packet a few seconds of them.
const MAX_PAIRS: usize = 4096;
/// How media types of tracks of captions begin.
const TRACK: &str = "closedcaption/";
/// Identifier of a caption distribution packet (SMPTE ST 334-2, 5.2).
const CDP: [u8; 2] = [0x96, 0x69];
/// Sections of it: a time code of five bytes, captions.
const CDP_TIME_CODE: u8 = 0x71;
const CDP_CAPTIONS: u8 = 0x72;

/// The field of a frame that carried a pair: CC1 and CC2 are in the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    First,
    Second,
}

/// What came with one packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pairs {
    pub(super) pairs: Vec<(Field, [u8; 2])>,
    /// Whether there was something of CEA-708.
    pub(super) digital: bool,
}

impl Pairs {
    /// What parsers hung on a coded picture, or a packet of a track of captions holds; `None` if
    /// the packet can have none.
    pub(crate) fn of(buffer: &gst::BufferRef, caps: &gst::CapsRef) -> Option<Self> {
        let mut found: Option<Self> = None;
        for meta in buffer.iter_meta::<VideoCaptionMeta>() {
            found.get_or_insert_default().read(meta.caption_type(), meta.data());
        }
        if caps.structure(0).is_some_and(|caps| caps.name().starts_with(TRACK)) {
            let map = buffer.map_readable().ok()?;
            found.get_or_insert_default().read(VideoCaptionType::from_caps(caps), &map);
        }
        found
    }

    fn read(&mut self, kind: VideoCaptionType, data: &[u8]) {
        match kind {
            VideoCaptionType::Cea608Raw => {
                let pairs = data.as_chunks::<2>().0;
                pairs.iter().for_each(|pair| self.push(Field::First, *pair));
            }
            // SMPTE ST 334-1, annex A: the field is the first bit.
            VideoCaptionType::Cea608S3341a => {
                for [field, pair @ ..] in data.as_chunks::<3>().0 {
                    let second = field & 0x80 == 0;
                    self.push(if second { Field::Second } else { Field::First }, *pair);
                }
            }
            VideoCaptionType::Cea708Raw => self.triplets(data),
            VideoCaptionType::Cea708Cdp => self.triplets(captions_of_cdp(data).unwrap_or_default()),
            _ => {}
        }
    }

    /// `cc_data_pkt` (CTA-708, 4.4): marker, `cc_valid`, `cc_type`, two bytes.
    fn triplets(&mut self, data: &[u8]) {
        for [head, pair @ ..] in data.as_chunks::<3>().0 {
            match (head & 4 != 0, head & 3) {
                (true, 0) => self.push(Field::First, *pair),
                (true, 1) => self.push(Field::Second, *pair),
                (true, _) => self.digital = true,
                (false, _) => {}
            }
        }
    }

    fn push(&mut self, field: Field, pair: [u8; 2]) {
        if self.pairs.len() < MAX_PAIRS {
            self.pairs.push((field, pair));
        }
    }
}

/// The `cc_data_pkt`s of a caption distribution packet (SMPTE ST 334-2).
fn captions_of_cdp(packet: &[u8]) -> Option<&[u8]> {
    let mut rest = packet.strip_prefix(&CDP)?.get(5..)?;
    if rest.first() == Some(&CDP_TIME_CODE) {
        rest = rest.get(5..)?;
    }
    let [CDP_CAPTIONS, count, data @ ..] = rest else { return None };
    data.get(..usize::from(count & 0x1f) * 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: VideoCaptionType, data: &[u8]) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.read(kind, data);
        pairs
    }

    #[test]
    fn every_wrapping_gives_its_pairs() {
        let both = vec![(Field::First, *b"ab"), (Field::Second, *b"cd")];
        let expected = Pairs { pairs: both.clone(), digital: true };
        let packets = [0xfc, b'a', b'b', 0xfd, b'c', b'd', 0xff, 2, 0x21, 0xf8, b'x', b'y'];
        assert_eq!(read(VideoCaptionType::Cea708Raw, &packets), expected);
        let cdp = |time_code: &[u8]| {
            let head = [0x96, 0x69, 0, 0x4f, 0x43, 0, 0];
            [&head, time_code, &[0x72, 0xe4], &packets, &[0x74, 0, 0, 0]].concat()
        };
        assert_eq!(read(VideoCaptionType::Cea708Cdp, &cdp(&[])), expected);
        assert_eq!(read(VideoCaptionType::Cea708Cdp, &cdp(&[0x71, 1, 2, 3, 4])), expected);
        let lines = [0x80, b'a', b'b', 0x00, b'c', b'd', 0x80];
        assert_eq!(read(VideoCaptionType::Cea608S3341a, &lines).pairs, both);
        let raw = read(VideoCaptionType::Cea608Raw, b"abcde");
        assert_eq!(raw.pairs, [(Field::First, *b"ab"), (Field::First, *b"cd")]);
    }

    #[test]
    fn a_cut_distribution_packet_gives_nothing() {
        for length in 0..12 {
            let packet = [0x96, 0x69, 0, 0x4f, 0x43, 0, 0, 0x72, 0xe2, 0xfc, b'a', b'b'];
            assert_eq!(read(VideoCaptionType::Cea708Cdp, &packet[..length]), Pairs::default());
        }
    }
}
