//! Segment index (14496-12 8.16.3): where the subsegments of a track lie, one after the other.

use super::{BoxWriter, TRACK_ID};

/// References of an index, at most: they are counted in 16 bits.
pub(crate) const MAX_REFERENCES: usize = u16::MAX as usize;
/// Bytes of a subsegment, at most: 31 bits.
pub(crate) const MAX_SIZE: u32 = (1 << 31) - 1;

/// A subsegment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Bytes, at most [`MAX_SIZE`].
    pub(crate) size: u32,
    /// Ticks.
    pub(crate) duration: u32,
    /// How it can be started with: 1 a closed GOP, 3 an open one (14496-12 annex I).
    pub(crate) sap_type: u8,
    /// When what can be decoded begins, ticks after the subsegment does; 28 bits.
    pub(crate) sap_delta: u32,
}

/// Version 1: 64-bit times and offsets. The first subsegment follows the box at once.
pub(crate) fn write(
    w: &mut BoxWriter,
    timescale: u32,
    earliest_presentation_time: u64,
    references: &[Reference],
) {
    let count = u16::try_from(references.len()).expect("the caller limits the references");
    w.full_box(b"sidx", 1, 0, |w| {
        w.u32(TRACK_ID);
        w.u32(timescale);
        w.u64(earliest_presentation_time);
        w.u64(0); // first_offset
        w.u16(0);
        w.u16(count);
        for reference in references {
            w.u32(reference.size & MAX_SIZE); // reference_type 0: media
            w.u32(reference.duration);
            let sap_type = u32::from(reference.sap_type & 0b111) << 28;
            w.u32(1 << 31 | sap_type | reference.sap_delta & 0x0fff_ffff);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_64_bit_times_and_12_bytes_a_reference() {
        let reference = Reference { size: 258, duration: 6, sap_type: 3, sap_delta: 2 };
        let bytes = crate::boxes::written(|w| write(w, 90_000, 1 << 33, &[reference]));
        assert_eq!(bytes.len(), 40 + 12);
        assert_eq!(bytes[20..28], [0, 0, 0, 2, 0, 0, 0, 0]);
        assert_eq!(bytes[36..], [0, 0, 0, 1, 0, 0, 1, 2, 0, 0, 0, 6, 0xb0, 0, 0, 2]);
    }
}
