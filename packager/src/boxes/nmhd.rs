//! Null media header (14496-12 12.5.2 names it for timed text): it says nothing.

use super::BoxWriter;

pub(crate) fn write(w: &mut BoxWriter) {
    w.full_box(b"nmhd", 0, 0, |_| ());
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_twelve_bytes() {
        assert_eq!(crate::boxes::written(super::write), b"\0\0\0\x0cnmhd\0\0\0\0");
    }
}
