//! Bit rate (14496-12 8.5.2).

use super::BoxWriter;
use crate::cmaf::BitRate;

pub(crate) fn write(w: &mut BoxWriter, rate: BitRate) {
    w.boxed(b"btrt", |w| {
        w.u32(rate.buffer_bytes);
        w.u32(rate.max);
        w.u32(rate.average);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_twenty_bytes() {
        let rate = BitRate { buffer_bytes: 1, max: 2, average: 3 };
        let bytes = crate::boxes::written(|w| write(w, rate));
        assert_eq!(bytes, b"\0\0\0\x14btrt\0\0\0\x01\0\0\0\x02\0\0\0\x03");
    }
}
