//! Pixel aspect ratio (14496-12 12.1.4).

use super::BoxWriter;

/// Our pixels are square.
pub(crate) fn write(w: &mut BoxWriter) {
    w.boxed(b"pasp", |w| {
        w.u32(1);
        w.u32(1);
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_one_to_one() {
        assert_eq!(crate::boxes::written(super::write), b"\0\0\0\x10pasp\0\0\0\x01\0\0\0\x01");
    }
}
