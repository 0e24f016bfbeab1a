//! Track fragment header (14496-12 8.8.7).

use super::{BoxWriter, TRACK_ID};

const DEFAULT_SAMPLE_DURATION: u32 = 0x00_0008;
const DEFAULT_SAMPLE_FLAGS: u32 = 0x00_0020;
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

/// `duration` is given when all samples of the fragment last alike; `flags` are the sample
/// flags of all samples `trun` says nothing else about.
pub(crate) fn write(w: &mut BoxWriter, duration: Option<u32>, flags: u32) {
    let optional = if duration.is_some() { DEFAULT_SAMPLE_DURATION } else { 0 };
    w.full_box(b"tfhd", 0, DEFAULT_BASE_IS_MOOF | DEFAULT_SAMPLE_FLAGS | optional, |w| {
        w.u32(TRACK_ID);
        if let Some(duration) = duration {
            w.u32(duration);
        }
        w.u32(flags);
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn flags_say_which_fields_follow() {
        let with = crate::boxes::written(|w| super::write(w, Some(1024), 0x0200_0000));
        assert_eq!(with, b"\0\0\0\x18tfhd\0\x02\0\x28\0\0\0\x01\0\0\x04\0\x02\0\0\0");
        let without = crate::boxes::written(|w| super::write(w, None, 0));
        assert_eq!(without, b"\0\0\0\x14tfhd\0\x02\0\x20\0\0\0\x01\0\0\0\0");
    }
}
