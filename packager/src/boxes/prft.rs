//! Producer reference time (14496-12 8.16.5).

use super::{BoxWriter, TRACK_ID};

/// Version 1: 64-bit media time. `flags` say of which moment the clock tells.
pub(crate) fn write(w: &mut BoxWriter, flags: u32, ntp: u64, media_time: u64) {
    w.full_box(b"prft", 1, flags, |w| {
        w.u32(TRACK_ID);
        w.u64(ntp);
        w.u64(media_time);
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_two_times() {
        assert_eq!(
            crate::boxes::written(|w| super::write(w, 2, 5, 6)),
            b"\0\0\0\x20prft\x01\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x06"
        );
    }
}
