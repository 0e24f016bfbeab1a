//! Movie header (14496-12 8.2.2).

use super::{BoxWriter, TRACK_ID, tkhd::UPRIGHT};

/// Duration 0: the movie is in fragments. Creation time 0: there is no clock here.
pub(crate) fn write(w: &mut BoxWriter, timescale: u32) {
    w.full_box(b"mvhd", 0, 0, |w| {
        w.u32(0); // creation_time
        w.u32(0); // modification_time
        w.u32(timescale);
        w.u32(0); // duration
        w.u32(0x0001_0000); // rate 1.0
        w.u16(0x0100); // volume 1.0
        w.zeros(10);
        w.matrix(UPRIGHT);
        w.zeros(24); // pre_defined
        w.u32(TRACK_ID + 1); // next_track_ID
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_the_size_of_version_0() {
        let bytes = crate::boxes::written(|w| super::write(w, 90_000));
        assert_eq!(bytes.len(), 108);
        assert_eq!(bytes[20..24], 90_000_u32.to_be_bytes());
        assert_eq!(bytes[104..], [0, 0, 0, 2]);
    }
}
