//! Track fragment decode time (14496-12 8.8.12).

use super::BoxWriter;

/// Version 1 always: 64 bits last for any film.
pub(crate) fn write(w: &mut BoxWriter, base_media_decode_time: u64) {
    w.full_box(b"tfdt", 1, 0, |w| w.u64(base_media_decode_time));
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_64_bits() {
        let bytes = crate::boxes::written(|w| super::write(w, 1 << 40));
        assert_eq!(bytes, b"\0\0\0\x14tfdt\x01\0\0\0\0\0\x01\0\0\0\0\0");
    }
}
