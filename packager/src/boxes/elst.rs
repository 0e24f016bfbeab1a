//! Edit list (14496-12 8.6.6), the one entry CMAF allows (23000-19 7.5.13): start later in the
//! media.

use super::BoxWriter;

/// An edit, inside its `edts`, that skips `media_time` ticks and runs to the end: in a
/// fragmented movie a segment duration of 0 means all there is.
pub(crate) fn write(w: &mut BoxWriter, media_time: u32) {
    w.boxed(b"edts", |w| {
        w.full_box(b"elst", 1, 0, |w| {
            w.u32(1); // entry_count
            w.u64(0); // segment_duration
            w.u64(u64::from(media_time));
            w.u32(0x0001_0000); // media_rate 1.0
        });
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn skips_priming() {
        let bytes = crate::boxes::written(|w| super::write(w, 1024));
        let expected = b"\0\0\0\x2cedts\0\0\0\x24elst\x01\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\x01\0\0";
        assert_eq!(bytes, expected);
    }
}
