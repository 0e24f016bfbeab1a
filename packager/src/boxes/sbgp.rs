//! Sample to group (14496-12 8.9.2): every sample of the fragment belongs to the `roll` group
//! that the initialisation segment describes.

use super::BoxWriter;

pub(crate) fn write_roll(w: &mut BoxWriter, samples: u32) {
    w.full_box(b"sbgp", 0, 0, |w| {
        w.bytes(b"roll");
        w.u32(1); // entry_count
        w.u32(samples);
        w.u32(1); // group_description_index in the track's sgpd
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn covers_all_samples() {
        let bytes = crate::boxes::written(|w| super::write_roll(w, 94));
        assert_eq!(bytes, b"\0\0\0\x1csbgp\0\0\0\0roll\0\0\0\x01\0\0\0\x5e\0\0\0\x01");
    }
}
