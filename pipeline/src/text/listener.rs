//! Captions inside the streams that pass by.

use gst::prelude::*;
use gstreamer as gst;
use kinora_plan::captions;

use super::packets::{Format, Listeners, Packet, Track, lock};
use crate::{
    captions::{Caption, Captions, Pairs},
    decode::stream_time,
};

/// What listens to one stream.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// Places among what was asked for, and the channels they want.
    wanted: Vec<(usize, usize)>,
    captions: Captions,
    caps: Option<gst::Caps>,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
}

/// Listens at a demuxer's pad, if some of its channels were asked for.
pub(super) fn listen(pad: &gst::Pad, asked: &[String], id: &str, listeners: &Listeners) {
    let channel = |(number, asked): (usize, &String)| match captions::split(asked) {
        (stream, Some(channel)) if stream == id => Some((number, channel)),
        _ => None,
    };
    let wanted: Vec<_> = asked.iter().enumerate().filter_map(channel).collect();
    if wanted.is_empty() {
        return;
    }
    let index = {
        let mut listeners = lock(listeners);
        listeners.push(Listener { wanted, ..Listener::default() });
        listeners.len() - 1
    };
    let listeners = listeners.clone();
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(kinds, move |_, info| {
        if let Some(listener) = lock(&listeners).get_mut(index) {
            listener.hear(info);
        }
        gst::PadProbeReturn::Ok
    });
}

impl Listener {
    fn hear(&mut self, info: &gst::PadProbeInfo<'_>) {
        match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => self.packet(buffer),
            Some(gst::PadProbeData::Event(event)) => match event.view() {
                gst::EventView::Caps(caps) => self.caps = Some(caps.caps_owned()),
                gst::EventView::Segment(segment) => {
                    self.segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn packet(&mut self, buffer: &gst::BufferRef) {
        let (Some(caps), Some(segment)) = (&self.caps, &self.segment) else { return };
        let time = buffer.pts().and_then(|pts| stream_time(segment, pts));
        if let (Some(time), Some(pairs)) = (time, Pairs::of(buffer, caps)) {
            self.captions.see(time, pairs);
        }
    }

    /// Hands what was heard to the tracks that wanted it.
    pub(super) fn finish(self, tracks: &mut [Track]) {
        let shown = self.captions.finish();
        for (number, channel) in self.wanted {
            let (track, shown) = (&mut tracks[number], &shown[channel]);
            track.format = Some(Format::WebVtt);
            track.truncated = shown.truncated;
            track.packets = shown.captions.iter().map(packet).collect();
        }
    }
}

/// As Matroska stores a cue of WebVTT: a line of settings, then text.
fn packet(caption: &Caption) -> Packet {
    Packet {
        start_ns: caption.start_ns,
        end_ns: Some(caption.end_ns),
        text: format!("\n{}\n{}", caption.settings, caption.text),
    }
}
