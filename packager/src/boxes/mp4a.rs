//! MPEG-4 audio sample entry (14496-12 12.2.3, 14496-14 6.7).

use super::BoxWriter;

/// `children` writes `esds`.
pub(crate) fn write(
    w: &mut BoxWriter,
    channels: u16,
    sample_rate: u32,
    children: impl FnOnce(&mut BoxWriter),
) {
    w.boxed(b"mp4a", |w| {
        w.zeros(6);
        w.u16(1); // data_reference_index
        w.zeros(8);
        w.u16(channels);
        w.u16(16); // samplesize
        w.u32(0);
        // 16.16 fixed point; rates above 65535 Hz do not fit and stand in the esds alone.
        w.u32(u16::try_from(sample_rate).map_or(0, |rate| u32::from(rate) << 16));
        children(w);
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn children_follow_28_bytes_of_fields() {
        let bytes = crate::boxes::written(|w| super::write(w, 2, 48_000, |w| w.u8(9)));
        assert_eq!(bytes.len(), 8 + 28 + 1);
        assert_eq!(bytes[24..26], [0, 2]);
        assert_eq!(bytes[32..36], [0xbb, 0x80, 0, 0]);
        let fast = crate::boxes::written(|w| super::write(w, 2, 96_000, |_| ()));
        assert_eq!(fast[32..36], [0, 0, 0, 0]);
    }
}
