//! Media header (14496-12 8.4.2).

use super::BoxWriter;

/// `und`, three letters of five bits. Manifests carry the language: it may be corrected
/// without touching media.
const UNDETERMINED: u16 = 0x55c4;

pub(crate) fn write(w: &mut BoxWriter, timescale: u32) {
    w.full_box(b"mdhd", 0, 0, |w| {
        w.u32(0); // creation_time
        w.u32(0); // modification_time
        w.u32(timescale);
        w.u32(0); // duration
        w.u16(UNDETERMINED);
        w.u16(0);
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_language_reads_und() {
        let bytes = crate::boxes::written(|w| super::write(w, 48_000));
        let packed = u16::from_be_bytes([bytes[28], bytes[29]]);
        let letters = [10, 5, 0].map(|shift| (packed >> shift & 0x1f) as u8 + 0x60);
        assert_eq!(&letters, b"und");
    }
}
