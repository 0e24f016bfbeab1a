//! Data information (14496-12 8.7.1, 8.7.2): the media lies in the same file.

use super::BoxWriter;

/// On a `url ` entry: the media is in this file.
const SELF_CONTAINED: u32 = 1;

pub(crate) fn write(w: &mut BoxWriter) {
    w.boxed(b"dinf", |w| {
        w.full_box(b"dref", 0, 0, |w| {
            w.u32(1); // entry_count
            w.full_box(b"url ", 0, SELF_CONTAINED, |_| ());
        });
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn refers_to_its_own_file() {
        assert_eq!(
            crate::boxes::written(super::write),
            b"\0\0\0\x24dinf\0\0\0\x1cdref\0\0\0\0\0\0\0\x01\0\0\0\x0curl \0\0\0\x01"
        );
    }
}
