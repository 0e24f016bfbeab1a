//! Track header (14496-12 8.3.2).

use super::{BoxWriter, TRACK_ID};

/// Enabled, used in the presentation.
const FLAGS: u32 = 0x3;

/// A picture that is shown as it is coded.
pub(crate) const UPRIGHT: [i32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// How a picture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Pixels, before it is turned.
    pub(crate) width: u16,
    /// Pixels, before it is turned.
    pub(crate) height: u16,
    /// Rows of the transformation, 16.16 and 2.30 fixed point.
    pub(crate) matrix: [i32; 9],
}

/// `picture` is `None` for sound and text, of which only sound has a volume.
pub(crate) fn write(w: &mut BoxWriter, picture: Option<Picture>, is_sound: bool) {
    let none = Picture { width: 0, height: 0, matrix: UPRIGHT };
    let Picture { width, height, matrix } = picture.unwrap_or(none);
    w.full_box(b"tkhd", 0, FLAGS, |w| {
        w.u32(0); // creation_time
        w.u32(0); // modification_time
        w.u32(TRACK_ID);
        w.u32(0);
        w.u32(0); // duration
        w.zeros(8);
        w.u16(0); // layer
        w.u16(0); // alternate_group
        w.u16(if is_sound { 0x0100 } else { 0 }); // volume
        w.u16(0);
        w.matrix(matrix);
        w.u32(u32::from(width) << 16);
        w.u32(u32::from(height) << 16);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_fixed_point() {
        let picture = Picture { width: 1920, height: 1080, matrix: UPRIGHT };
        let video = crate::boxes::written(|w| write(w, Some(picture), false));
        assert_eq!(video.len(), 92);
        assert_eq!(video[84..], [0x07, 0x80, 0, 0, 0x04, 0x38, 0, 0]);
        assert_eq!(video[44..46], [0, 0]);
        let audio = crate::boxes::written(|w| write(w, None, true));
        assert_eq!(audio[44..46], [1, 0]);
        assert_eq!(audio[48..84], video[48..84]);
    }
}
