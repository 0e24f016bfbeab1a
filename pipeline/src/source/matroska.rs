//! Matroska's clock, as it stands in the file.
//!
//! matroskademux 1.22 calls the time of the first block it meets the beginning of the film. Where
//! another track has an earlier one (sound begins by its encoder's priming before the picture, whose
//! first block is stored first), it notices after a block or two and begins anew: the first picture
//! came too early by that, and the film seemed to have a variable rate. So its stream time is made
//! that of the file, and seeks, to which it adds what it takes for the beginning, are given without.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use gst::prelude::*;
use gstreamer as gst;

/// Keeps the file's times in every Matroska demuxer that `parsebin` will make.
pub(super) fn keep_times(parsebin: &gst::Element) {
    let Some(bin) = parsebin.downcast_ref::<gst::Bin>() else { return };
    bin.connect_deep_element_added(|_, _, element| {
        if element.factory().is_some_and(|factory| factory.name() == "matroskademux") {
            let beginning_ns = Arc::<AtomicU64>::default();
            element.connect_pad_added(move |_, pad| watch(pad, &beginning_ns));
        }
    });
}

/// `beginning_ns` is what the demuxer takes for the beginning of the film, of all its pads.
fn watch(pad: &gst::Pad, beginning_ns: &Arc<AtomicU64>) {
    let beginning_ns = Arc::clone(beginning_ns);
    let kinds = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_UPSTREAM;
    pad.add_probe(kinds, move |_, info| {
        let changed = match &info.data {
            Some(gst::PadProbeData::Event(event)) => match event.view() {
                gst::EventView::Segment(segment) => in_file_time(segment, &beginning_ns),
                gst::EventView::Seek(seek) => from_beginning(seek, &beginning_ns),
                _ => None,
            },
            _ => None,
        };
        if let Some(event) = changed {
            info.data = Some(gst::PadProbeData::Event(event));
        }
        gst::PadProbeReturn::Ok
    });
}

/// The segment whose stream time is the file's; `None` if it is that already.
fn in_file_time(event: &gst::event::Segment, beginning_ns: &AtomicU64) -> Option<gst::Event> {
    let mut segment = event.segment().downcast_ref::<gst::ClockTime>()?.clone();
    let (start, time) = segment.start().zip(segment.time())?;
    beginning_ns.store(start.saturating_sub(time).nseconds(), Ordering::Relaxed);
    if time >= start {
        return None;
    }
    segment.set_time(start);
    Some(gst::event::Segment::builder(&segment).seqnum(event.seqnum()).build())
}

/// The seek as the demuxer means it; `None` if its beginning is the file's.
fn from_beginning(event: &gst::event::Seek, beginning_ns: &AtomicU64) -> Option<gst::Event> {
    let beginning = gst::ClockTime::from_nseconds(beginning_ns.load(Ordering::Relaxed));
    let (rate, flags, kind, start, stop_kind, stop) = event.get();
    let gst::GenericFormattedValue::Time(Some(start)) = start else { return None };
    if beginning == gst::ClockTime::ZERO || kind != gst::SeekType::Set {
        return None;
    }
    let gst::GenericFormattedValue::Time(stop) = stop else { return None };
    let stop = stop.map(|stop| stop.saturating_sub(beginning));
    let start = start.saturating_sub(beginning);
    let seek = gst::event::Seek::builder(rate, flags, kind, start, stop_kind, stop);
    Some(seek.seqnum(event.seqnum()).build())
}
