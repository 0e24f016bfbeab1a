//! Track extends (14496-12 8.8.3), inside its `mvex`.

use super::{BoxWriter, SAMPLE_DESCRIPTION_INDEX, TRACK_ID};

/// No defaults but the sample entry: brand cmf2 wants durations, sizes and flags in each
/// fragment, so that a fragment can be read without the initialisation segment.
pub(crate) fn write(w: &mut BoxWriter) {
    w.boxed(b"mvex", |w| {
        w.full_box(b"trex", 0, 0, |w| {
            w.u32(TRACK_ID);
            w.u32(SAMPLE_DESCRIPTION_INDEX);
            w.zeros(12); // default duration, size, flags
        });
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn sets_no_defaults() {
        let bytes = crate::boxes::written(super::write);
        assert_eq!(bytes.len(), 40);
        assert_eq!(bytes[20..], [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
