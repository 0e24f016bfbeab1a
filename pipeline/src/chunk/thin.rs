//! Half-rate rungs: a branch that keeps every n-th frame, by position and not by guessing.

use gst::prelude::*;
use gstreamer as gst;
use kinora_media::FrameRate;

use super::colour::fraction;

/// Lets only frames whose position is a multiple of `keep` enter `pad`, and tells everything
/// after it the lower rate. Positions are those of `rate`, counted from time 0.
pub(super) fn keep_every(pad: &gst::Pad, keep: u64, rate: FrameRate, kept_rate: FrameRate) {
    if keep <= 1 {
        return;
    }
    let probes = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(probes, move |_, info| match &mut info.data {
        Some(gst::PadProbeData::Buffer(buffer)) if !is_kept(buffer, keep, rate) => {
            gst::PadProbeReturn::Handled
        }
        Some(gst::PadProbeData::Event(event)) => {
            if let Some(slower) = slower(event, kept_rate) {
                *event = slower;
            }
            gst::PadProbeReturn::Ok
        }
        _ => gst::PadProbeReturn::Ok,
    });
}

fn is_kept(buffer: &gst::Buffer, keep: u64, rate: FrameRate) -> bool {
    let pts = buffer.pts().map_or(0, |pts| pts.nseconds());
    let position = i64::try_from(pts).map_or(u64::MAX, |pts| rate.nearest_frame(pts));
    position.is_multiple_of(keep)
}

fn slower(event: &gst::Event, rate: FrameRate) -> Option<gst::Event> {
    let gst::EventView::Caps(event) = event.view() else { return None };
    let mut caps = event.caps_owned();
    caps.make_mut().set("framerate", fraction(rate));
    Some(gst::event::Caps::new(&caps))
}
