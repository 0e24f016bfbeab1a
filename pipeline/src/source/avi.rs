//! MPEG-4 pictures with B-frames in AVI, which has no times of presentation.
//!
//! The place of a chunk in the file is when its picture is decoded. avidemux 1.22 calls that the
//! presentation time of key frames all the same: where B-frames precede them, decoders doubled two
//! times at each and showed the rest too early. Without it GStreamer's decoders give out times of
//! decoding in order of presentation, which is right: both count the same pictures.

use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;
use gstreamer as gst;

/// Begins a picture (ISO/IEC 14496-2 6.2.5).
const PICTURE: [u8; 4] = [0, 0, 1, 0xb6];
/// What may stand before it: headers, and what encoders say of themselves.
const MOST_BEFORE: usize = 4096;

/// Leaves out what is no time of presentation, in every AVI demuxer that `parsebin` will make.
pub(super) fn order_pictures(parsebin: &gst::Element) {
    let Some(bin) = parsebin.downcast_ref::<gst::Bin>() else { return };
    bin.connect_deep_element_added(|_, _, element| {
        if element.factory().is_some_and(|factory| factory.name() == "avidemux") {
            element.connect_pad_added(|_, pad| watch(pad));
        }
    });
}

fn watch(pad: &gst::Pad) {
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_FLUSH;
    let reordered = AtomicBool::new(false);
    pad.add_probe(kinds, move |pad, info| {
        match &mut info.data {
            // After a seek the first key frame says where it went.
            Some(gst::PadProbeData::Event(_)) => reordered.store(false, Ordering::Relaxed),
            Some(gst::PadProbeData::Buffer(buffer)) if is_mpeg4(pad) => {
                if is_b_frame(buffer) {
                    reordered.store(true, Ordering::Relaxed);
                } else if reordered.load(Ordering::Relaxed) {
                    buffer.make_mut().set_pts(gst::ClockTime::NONE);
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

fn is_mpeg4(pad: &gst::Pad) -> bool {
    let is = |structure: &gst::StructureRef| match structure.name().as_str() {
        "video/mpeg" => structure.get::<i32>("mpegversion").is_ok_and(|version| version == 4),
        // The same by another name, but for version 3.
        "video/x-divx" => structure.get::<i32>("divxversion").is_ok_and(|version| version > 3),
        _ => false,
    };
    pad.current_caps().is_some_and(|caps| caps.structure(0).is_some_and(is))
}

/// Whether this is a picture that is shown before one that was decoded earlier.
pub(crate) fn is_b_frame(buffer: &gst::BufferRef) -> bool {
    buffer.map_readable().is_ok_and(|data| is_b_picture(&data))
}

/// By its first picture: a second one in the same chunk is shown with the next, which is empty.
fn is_b_picture(data: &[u8]) -> bool {
    let head = &data[..data.len().min(MOST_BEFORE)];
    let at = head.windows(PICTURE.len()).position(|four| four == PICTURE);
    // The coding type is two bits: I, P, B, S.
    at.and_then(|at| data.get(at + PICTURE.len())).is_some_and(|byte| byte >> 6 == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_picture_says_what_it_is() {
        let picture = |kind: u8| [&PICTURE[..], &[kind << 6 | 5, 1, 2]].concat();
        for (kind, is) in [(0, false), (1, false), (2, true), (3, false)] {
            assert_eq!(is_b_picture(&picture(kind)), is, "{kind}");
            let behind_headers = [&[0, 0, 1, 0xb0, 3][..], &picture(kind)].concat();
            assert_eq!(is_b_picture(&behind_headers), is, "{kind}");
        }
        assert!(!is_b_picture(&[picture(1), picture(2)].concat()), "packed");
        for cut in [&[][..], &PICTURE[..3], &PICTURE, &[0; 5000]] {
            assert!(!is_b_picture(cut));
        }
    }
}
