//! Subtitle media header (14496-12 12.6.2).

use super::BoxWriter;

pub(crate) fn write(w: &mut BoxWriter) {
    w.full_box(b"sthd", 0, 0, |_| ());
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_twelve_bytes() {
        assert_eq!(crate::boxes::written(super::write), b"\0\0\0\x0csthd\0\0\0\0");
    }
}
