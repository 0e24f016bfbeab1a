//! The demuxer's pads: the stream that is wanted goes to its decoder, every other passes.

use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::{decoders::decoder, gate::Gate};
use crate::{PipelineError, bus::Early, gpu::Device};

/// Why the stream could not be linked, said by whichever thread finds out first.
pub(super) type Problem = Arc<Mutex<Option<PipelineError>>>;

/// Decodes the stream once the demuxer shows it, and lets every other pass: some demuxers give up
/// when what comes first is linked to nothing. The closures hold no pipeline: it owns them.
pub(super) fn watch_pads(
    pipeline: &gst::Pipeline,
    demuxer: &gst::Element,
    sink: &gst_app::AppSink,
    (stream_id, device): (&str, Option<&Device>),
    (problem, early, gate): (&Problem, &Early, Option<&Gate>),
) {
    let (weak_pipeline, weak_sink) = (pipeline.downgrade(), sink.downgrade());
    let (wanted, problem, early) = (stream_id.to_owned(), problem.clone(), early.clone());
    let (device, gate) = (device.cloned(), gate.cloned());
    demuxer.connect_pad_added(move |_, pad| {
        let (Some(pipeline), Some(sink)) = (weak_pipeline.upgrade(), weak_sink.upgrade()) else {
            return;
        };
        if pad.stream_id().as_deref() != Some(&wanted) || is_linked(&sink) {
            report(&problem, discard(&pipeline, pad));
            return;
        }
        early.found();
        if let Some(gate) = &gate {
            gate.close(pad);
        }
        if let Some(caps) = pad.current_caps() {
            report(&problem, link(&pipeline, pad, &caps, (sink.upcast_ref(), device.as_ref())));
        } else {
            link_later(&pipeline, pad, (&sink, device.clone()), &problem);
        }
    });
}

/// What a pad may carry before it has caps would fit decoders of other codecs.
fn link_later(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    (sink, device): (&gst_app::AppSink, Option<Device>),
    problem: &Problem,
) {
    let (weak_pipeline, weak_sink) = (pipeline.downgrade(), sink.downgrade());
    let problem = problem.clone();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
        let Some(gst::PadProbeData::Event(event)) = &info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let gst::EventView::Caps(event) = event.view() else { return gst::PadProbeReturn::Ok };
        if let (Some(pipeline), Some(sink)) = (weak_pipeline.upgrade(), weak_sink.upgrade()) {
            let caps = event.caps_owned();
            let linked = link(&pipeline, pad, &caps, (sink.upcast_ref(), device.as_ref()));
            report(&problem, linked);
        }
        gst::PadProbeReturn::Remove
    });
}

pub(super) fn is_linked(sink: &gst_app::AppSink) -> bool {
    sink.static_pad("sink").is_some_and(|pad| pad.is_linked())
}

fn report(problem: &Problem, result: Result<(), PipelineError>) {
    if let Err(error) = result {
        problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

fn link(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    caps: &gst::Caps,
    (sink, device): (&gst::Element, Option<&Device>),
) -> Result<(), PipelineError> {
    if sink.property::<gst::Caps>("caps").can_intersect(caps) {
        return link_pad(pad, sink);
    }
    let Some(decoder) = decoder(caps, device)? else { return link_pad(pad, sink) };
    pipeline.add(&decoder)?;
    decoder.link(sink)?;
    decoder.sync_state_with_parent()?;
    link_pad(pad, &decoder)
}

fn discard(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), PipelineError> {
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .property("async", false)
        .property("enable-last-sample", false)
        .build()
        .map_err(|_| PipelineError::MissingElement("fakesink"))?;
    pipeline.add(&sink)?;
    sink.sync_state_with_parent()?;
    link_pad(pad, &sink)
}

fn link_pad(pad: &gst::Pad, element: &gst::Element) -> Result<(), PipelineError> {
    let input = element.static_pad("sink").expect("decoders and sinks have one input");
    pad.link(&input)
        .map_err(|error| PipelineError::Internal(format!("demuxed stream: {error}")))?;
    Ok(())
}

/// Tells decoders that rows may be longer than the picture is wide: else they copy every frame.
pub(super) fn accept_strides(sink: &gst_app::AppSink) {
    let pad = sink.static_pad("sink").expect("a sink has a pad");
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        if let Some(gst::PadProbeData::Query(query)) = &mut info.data
            && let gst::QueryViewMut::Allocation(allocation) = query.view_mut()
        {
            allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
}
