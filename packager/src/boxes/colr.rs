//! Colour information (14496-12 12.1.5), as code points.

use super::BoxWriter;
use crate::cmaf::Colour;

pub(crate) fn write(w: &mut BoxWriter, colour: Colour) {
    w.boxed(b"colr", |w| {
        w.bytes(b"nclx");
        w.u16(colour.primaries);
        w.u16(colour.transfer);
        w.u16(colour.matrix);
        w.u8(u8::from(colour.full_range) << 7);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bt709_limited() {
        let bytes = crate::boxes::written(|w| write(w, Colour::BT709));
        assert_eq!(bytes, b"\0\0\0\x13colrnclx\0\x01\0\x01\0\x01\0");
    }
}
