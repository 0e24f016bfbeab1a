//! Key frames where the plan wants them, for GOPs that are not all alike.

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use kinora_media::FrameRate;

/// Tells the encoder behind `pad` to begin a GOP with each frame at one of these positions of the
/// grid, which count from time 0.
pub(super) fn force(pad: &gst::Pad, key_frames: Vec<u64>, grid: FrameRate) {
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let pts = buffer.pts().and_then(|pts| i64::try_from(pts.nseconds()).ok());
        if pts.is_some_and(|pts| key_frames.binary_search(&grid.nearest_frame(pts)).is_ok()) {
            // Without a time it is meant for the next frame, which is this one.
            let event = gst_video::DownstreamForceKeyUnitEvent::builder().all_headers(false);
            pad.send_event(event.build());
        }
        gst::PadProbeReturn::Ok
    });
}
