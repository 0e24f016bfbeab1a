//! H.264 sample entry with parameter sets out of band (14496-12 12.1.3, 14496-15 5.4.2).

use super::BoxWriter;

/// `children` writes `avcC` and what follows it.
pub(crate) fn write(
    w: &mut BoxWriter,
    width: u16,
    height: u16,
    children: impl FnOnce(&mut BoxWriter),
) {
    w.boxed(b"avc1", |w| {
        w.zeros(6);
        w.u16(1); // data_reference_index
        w.zeros(16);
        w.u16(width);
        w.u16(height);
        w.u32(0x0048_0000); // 72 dpi
        w.u32(0x0048_0000);
        w.u32(0);
        w.u16(1); // frame_count
        w.zeros(32); // compressorname
        w.u16(0x0018); // depth
        w.u16(0xffff); // pre_defined
        children(w);
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn children_follow_78_bytes_of_fields() {
        let bytes = crate::boxes::written(|w| super::write(w, 640, 360, |w| w.u8(9)));
        assert_eq!(bytes.len(), 8 + 78 + 1);
        assert_eq!(bytes[32..36], [0x02, 0x80, 0x01, 0x68]);
    }
}
