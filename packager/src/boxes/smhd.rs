//! Sound media header (14496-12 12.2.2).

use super::BoxWriter;

pub(crate) fn write(w: &mut BoxWriter) {
    w.full_box(b"smhd", 0, 0, |w| w.zeros(4)); // balance: centre
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_sixteen_bytes() {
        assert_eq!(crate::boxes::written(super::write), b"\0\0\0\x10smhd\0\0\0\0\0\0\0\0");
    }
}
