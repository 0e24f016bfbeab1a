//! File and segment type (14496-12 4.3 and 8.16.2).

use super::BoxWriter;

/// `code` is `ftyp` or `styp`; the major brand is listed among the compatible ones too.
pub(crate) fn write(w: &mut BoxWriter, code: &[u8; 4], major: &[u8; 4], others: &[[u8; 4]]) {
    w.boxed(code, |w| {
        w.bytes(major);
        w.u32(0); // minor_version
        w.bytes(major);
        for brand in others {
            w.bytes(brand);
        }
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_major_brand_comes_first_twice() {
        let bytes = crate::boxes::written(|w| super::write(w, b"styp", b"msdh", &[*b"cmfs"]));
        assert_eq!(bytes, b"\0\0\0\x18stypmsdh\0\0\0\0msdhcmfs");
    }
}
