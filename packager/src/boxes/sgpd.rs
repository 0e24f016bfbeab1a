//! Sample group description (14496-12 8.9.3) of type `roll` (10.1): a decoder that starts at a
//! frame of sound is right some frames later, so it must be fed as many earlier.

use super::BoxWriter;

/// `distance` is how many samples to decode before the one wanted, as a negative number.
pub(crate) fn write_roll(w: &mut BoxWriter, distance: i16) {
    w.full_box(b"sgpd", 1, 0, |w| {
        w.bytes(b"roll");
        w.u32(2); // default_length
        w.u32(1); // entry_count
        w.bytes(&distance.to_be_bytes());
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn rolls_one_frame_back() {
        assert_eq!(
            crate::boxes::written(|w| super::write_roll(w, -1)),
            b"\0\0\0\x1asgpd\x01\0\0\0roll\0\0\0\x02\0\0\0\x01\xff\xff"
        );
    }
}
