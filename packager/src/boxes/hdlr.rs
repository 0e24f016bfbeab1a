//! Handler reference (14496-12 8.4.3).

use super::BoxWriter;

/// `handler` is `vide`, `soun`, `text` or `subt`.
pub(crate) fn write(w: &mut BoxWriter, handler: &[u8; 4], name: &str) {
    w.full_box(b"hdlr", 0, 0, |w| {
        w.u32(0); // pre_defined
        w.bytes(handler);
        w.zeros(12);
        w.bytes(name.as_bytes());
        w.u8(0);
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_name_ends_with_nul() {
        let bytes = crate::boxes::written(|w| super::write(w, b"vide", "Video"));
        assert_eq!(bytes.len(), 38);
        assert_eq!(&bytes[16..20], b"vide");
        assert_eq!(&bytes[32..], b"Video\0");
    }
}
