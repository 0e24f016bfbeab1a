//! H.264 as MP4 and Matroska hold it (ISO/IEC 14496-15): parameter sets apart in a record, and
//! NAL units with their lengths before them.

use bytes::Bytes;
use gstreamer as gst;

/// NAL unit types (Rec. ITU-T H.264, table 7-1).
const SLICE: u8 = 1;
const PARTITION_A: u8 = 2;
const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
/// Bytes of a record: what encoders write is a few hundred.
const MOST_BYTES: usize = 4096;
/// Bytes before a NAL unit that say its length; others are not used in practice.
const LENGTH: usize = 4;

/// An AVCDecoderConfigurationRecord (5.3.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Avcc {
    bytes: Bytes,
    /// Sequence and picture parameter sets.
    sets: Vec<Bytes>,
}

/// What an access unit is, by the first slice in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Whether it is an IDR picture.
    pub(crate) idr: bool,
    /// Whether it carries parameter sets that the record has.
    pub(crate) parameter_sets: bool,
    /// Whether it carries parameter sets that the record has not.
    pub(crate) other_parameter_sets: bool,
}

impl Avcc {
    /// The record of a stream of these caps; `None` if it has none, or one that is not usual.
    pub(crate) fn of_caps(caps: &gst::Caps) -> Option<Self> {
        let structure = caps.structure(0)?;
        let is = |field, value| structure.get::<&str>(field).is_ok_and(|it| it == value);
        if structure.name() != "video/x-h264"
            || !is("stream-format", "avc")
            || !is("alignment", "au")
        {
            return None;
        }
        let record = structure.get::<gst::Buffer>("codec_data").ok()?;
        let record = record.map_readable().ok()?;
        Self::parse(&record)
    }

    /// Reads a record.
    pub(crate) fn parse(record: &[u8]) -> Option<Self> {
        if record.len() > MOST_BYTES {
            return None;
        }
        let bytes = Bytes::copy_from_slice(record);
        let (&[version, _, _, _, lengths, sps_count], mut rest) =
            record.split_first_chunk::<6>()?;
        if version != 1 || usize::from(lengths & 0b11) + 1 != LENGTH {
            return None;
        }
        let mut sets = Vec::new();
        let mut take = |rest: &mut &[u8], count: u8| {
            for _ in 0..count {
                let (length, after) = rest.split_first_chunk::<2>()?;
                let (set, after) =
                    after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                sets.push(Bytes::copy_from_slice(set));
                *rest = after;
            }
            Some(())
        };
        take(&mut rest, sps_count & 0x1f)?;
        let (&pps_count, mut rest) = rest.split_first()?;
        take(&mut rest, pps_count)?;
        (!sets.is_empty()).then_some(Self { bytes, sets })
    }

    /// profile_idc.
    pub(crate) fn profile(&self) -> u8 {
        self.bytes[1]
    }

    /// level_idc: the level, times ten.
    pub(crate) fn level(&self) -> u8 {
        self.bytes[3]
    }

    /// The record itself.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The record in hexadecimal.
    pub(crate) fn to_hex(&self) -> String {
        self.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Looks an access unit over; `None` if its lengths do not add up or it holds no slice.
    pub(crate) fn picture(&self, unit: &[u8]) -> Option<Picture> {
        let mut idr = None;
        let (mut parameter_sets, mut other_parameter_sets) = (false, false);
        for nal in nal_units(unit) {
            let nal = nal?;
            match nal.first()? & 0x1f {
                IDR => _ = idr.get_or_insert(true),
                SLICE..=PARTITION_A => _ = idr.get_or_insert(false),
                SPS | PPS if self.sets.iter().any(|set| set == nal) => parameter_sets = true,
                SPS | PPS => other_parameter_sets = true,
                _ => {}
            }
        }
        idr.map(|idr| Picture { idr, parameter_sets, other_parameter_sets })
    }
}

/// The access unit without parameter sets: a sample entry `avc1` allows none among samples
/// (5.4.2.1), and parsers put them there.
pub(crate) fn without_parameter_sets(unit: &[u8]) -> Bytes {
    let mut kept = Vec::with_capacity(unit.len());
    for nal in nal_units(unit).flatten() {
        if !matches!(nal.first().map(|first| first & 0x1f), Some(SPS | PPS)) {
            // It came from a length of that size.
            kept.extend_from_slice(&u32::try_from(nal.len()).unwrap_or(u32::MAX).to_be_bytes());
            kept.extend_from_slice(nal);
        }
    }
    kept.into()
}

/// Each NAL unit; `None` in place of one that is cut short or empty, which is then the last.
fn nal_units(mut unit: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        if unit.is_empty() {
            return None;
        }
        let nal = unit.split_first_chunk::<LENGTH>().and_then(|(length, rest)| {
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            rest.split_at_checked(length)
        });
        match nal {
            Some((nal, rest)) if !nal.is_empty() => {
                unit = rest;
                Some(Some(nal))
            }
            _ => {
                unit = &[];
                Some(None)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: [u8; 15] = [1, 100, 0, 31, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 2, 0x68, 2];

    fn unit(nals: &[&[u8]]) -> Vec<u8> {
        let length = |nal: &[u8]| u32::try_from(nal.len()).unwrap().to_be_bytes();
        nals.iter().flat_map(|nal| [&length(nal)[..], nal].concat()).collect()
    }

    #[test]
    fn pictures_are_told_by_their_first_slice() {
        let avcc = Avcc::parse(&RECORD).unwrap();
        assert_eq!((avcc.profile(), avcc.level()), (100, 31));
        let idr = avcc.picture(&unit(&[&[9, 0x10], &[6, 1], &[0x65, 0], &[0x65, 1]])).unwrap();
        assert!(idr.idr && !idr.parameter_sets && !idr.other_parameter_sets);
        assert!(!avcc.picture(&unit(&[&[0x41, 0]])).unwrap().idr);
        let own = avcc.picture(&unit(&[&[0x67, 1], &[0x68, 2], &[0x65, 0]])).unwrap();
        assert!(own.parameter_sets && !own.other_parameter_sets);
        assert!(avcc.picture(&unit(&[&[0x67, 9], &[0x65, 0]])).unwrap().other_parameter_sets);
    }

    #[test]
    fn what_does_not_add_up_is_no_picture() {
        let avcc = Avcc::parse(&RECORD).unwrap();
        for bad in [&[][..], &[0, 0, 0], &[0, 0, 0, 9, 0x65], &[0, 0, 0, 0], &[0, 0, 0, 2, 9, 0]] {
            assert_eq!(avcc.picture(bad), None, "{bad:?}");
        }
        for cut in 0..RECORD.len() {
            assert_eq!(Avcc::parse(&RECORD[..cut]), None, "{cut}");
        }
        let mut short_lengths = RECORD;
        short_lengths[4] = 0xfd;
        assert_eq!(Avcc::parse(&short_lengths), None);
    }

    #[test]
    fn parameter_sets_are_taken_out_and_nothing_else() {
        let with = unit(&[&[9, 0x10], &[0x67, 1], &[0x68, 2], &[6, 5], &[0x65, 0, 1]]);
        let without = unit(&[&[9, 0x10], &[6, 5], &[0x65, 0, 1]]);
        assert_eq!(without_parameter_sets(&with), without);
    }
}
