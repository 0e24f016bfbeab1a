//! Track header (14496-12 8.3.2).

use super::{BoxWriter, TRACK_ID};

/// Enabled, used in the presentation.
const FLAGS: u32 = 0x3;

/// `size` is width and height in pixels for video, `None` for audio.
pub(crate) fn write(w: &mut BoxWriter, size: Option<(u16, u16)>) {
    let (width, height) = size.unwrap_or_default();
    w.full_box(b"tkhd", 0, FLAGS, |w| {
        w.u32(0); // creation_time
        w.u32(0); // modification_time
        w.u32(TRACK_ID);
        w.u32(0);
        w.u32(0); // duration
        w.zeros(8);
        w.u16(0); // layer
        w.u16(0); // alternate_group
        w.u16(if size.is_some() { 0 } else { 0x0100 }); // volume
        w.u16(0);
        w.unity_matrix();
        w.u32(u32::from(width) << 16);
        w.u32(u32::from(height) << 16);
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_fixed_point() {
        let video = crate::boxes::written(|w| super::write(w, Some((1920, 1080))));
        assert_eq!(video.len(), 92);
        assert_eq!(video[84..], [0x07, 0x80, 0, 0, 0x04, 0x38, 0, 0]);
        assert_eq!(video[44..46], [0, 0]);
        let audio = crate::boxes::written(|w| super::write(w, None));
        assert_eq!(audio[44..46], [1, 0]);
    }
}
