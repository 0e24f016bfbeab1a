//! Movie fragment header (14496-12 8.8.5).

use super::BoxWriter;

pub(crate) fn write(w: &mut BoxWriter, sequence_number: u32) {
    w.full_box(b"mfhd", 0, 0, |w| w.u32(sequence_number));
}

#[cfg(test)]
mod tests {
    #[test]
    fn carries_the_number() {
        let bytes = crate::boxes::written(|w| super::write(w, 258));
        assert_eq!(bytes, b"\0\0\0\x10mfhd\0\0\0\0\0\0\x01\x02");
    }
}
