//! Sample group description (14496-12 8.9.3) of type `roll` (10.1): a decoder that starts at an
//! AAC frame is right one frame later, so it must be fed one frame earlier.

use super::BoxWriter;

/// Frames to decode before the one wanted.
const ROLL_DISTANCE: i16 = -1;

pub(crate) fn write_roll(w: &mut BoxWriter) {
    w.full_box(b"sgpd", 1, 0, |w| {
        w.bytes(b"roll");
        w.u32(2); // default_length
        w.u32(1); // entry_count
        w.bytes(&ROLL_DISTANCE.to_be_bytes());
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn rolls_one_frame_back() {
        assert_eq!(
            crate::boxes::written(super::write_roll),
            b"\0\0\0\x1asgpd\x01\0\0\0roll\0\0\0\x02\0\0\0\x01\xff\xff"
        );
    }
}
