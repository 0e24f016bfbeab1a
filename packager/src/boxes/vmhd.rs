//! Video media header (14496-12 12.1.2).

use super::BoxWriter;

pub(crate) fn write(w: &mut BoxWriter) {
    w.full_box(b"vmhd", 0, 1, |w| w.zeros(8)); // graphicsmode copy, opcolor 0
}

#[cfg(test)]
mod tests {
    #[test]
    fn its_flags_are_1() {
        assert_eq!(
            crate::boxes::written(super::write),
            b"\0\0\0\x14vmhd\0\0\0\x01\0\0\0\0\0\0\0\0"
        );
    }
}
