//! The encoding pipeline: one trunk that makes frames upright 8-bit 4:2:0, and a branch a rung.
//!
//! ```text
//! appsrc → convert → deinterlace → flip → tee ─ queue → scale 1080 → x264 → appsink
//!                                          └─── queue → scale 720 → tee ─ queue → x264 → appsink
//!                                                                    └─── queue → scale 480 → …
//! ```
//!
//! Queues hold a few frames, sinks wait for nobody, so an encoder that looks far ahead never keeps
//! another from being fed.

use std::sync::atomic::{AtomicU64, Ordering};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use kinora_media::FrameRate;
use kinora_plan::{Orientation, Rung, encoder::ChunkSpec};

use super::{cascade, encoder, keys, thin};
use crate::PipelineError;

/// Frames a queue holds: enough to ride out one slow frame, each up to 12 MiB.
const QUEUE_FRAMES: u32 = 2;

/// The pipeline, not yet started.
pub(super) struct Graph {
    pub(super) pipeline: gst::Pipeline,
    pub(super) input: gst_app::AppSrc,
    /// In the order of the rungs.
    pub(super) outputs: Vec<gst_app::AppSink>,
}

/// An element of a plugin that must be installed.
pub(crate) fn make(factory: &'static str) -> Result<gst::Element, PipelineError> {
    gst::ElementFactory::make(factory).build().map_err(|_| PipelineError::MissingElement(factory))
}

/// Builds the pipeline for frames of `input_caps`, which become `working` before anything else.
pub(super) fn build(
    spec: &ChunkSpec,
    input_caps: &gst::Caps,
    working: &gst::Caps,
) -> Result<Graph, PipelineError> {
    let pipeline = gst::Pipeline::new();
    let input = gst_app::AppSrc::builder()
        .format(gst::Format::Time)
        .caps(input_caps)
        .stream_type(gst_app::AppStreamType::Stream)
        .build();
    pipeline.add(&input)?;
    let trunk = trunk(&pipeline, &input, spec, working)?;
    let parents = cascade::parents(&spec.rungs);
    let mut tees = vec![None; spec.rungs.len()];
    let mut outputs = vec![None; spec.rungs.len()];
    // Rungs scaled from the source first: the others hang on them.
    let mut order: Vec<usize> = (0..spec.rungs.len()).collect();
    order.sort_by_key(|index| parents[*index].is_some());
    for index in order {
        let rung = &spec.rungs[index];
        let (from, rate_divisor) = match parents[index] {
            None => (&trunk, 1),
            Some(parent) => {
                let tee = tees[parent].as_ref().ok_or_else(|| {
                    PipelineError::Internal("a rung is scaled from one that is not there".into())
                })?;
                (tee, spec.rungs[parent].rate_divisor.get())
            }
        };
        let keep = u64::from(rung.rate_divisor.get() / rate_divisor);
        let scaled = scale(&pipeline, from, spec, rung, keep, working)?;
        let picture = if parents.contains(&Some(index)) {
            let tee = append(&pipeline, &scaled, make("tee")?)?;
            tees[index] = Some(tee.clone());
            append(&pipeline, &tee, queue()?)?
        } else {
            scaled
        };
        outputs[index] = Some(encode(&pipeline, &picture, spec, rung)?);
    }
    let outputs = outputs.into_iter().flatten().collect();
    Ok(Graph { pipeline, input, outputs })
}

fn trunk(
    pipeline: &gst::Pipeline,
    input: &gst_app::AppSrc,
    spec: &ChunkSpec,
    working: &gst::Caps,
) -> Result<gst::Element, PipelineError> {
    // Never a scaler: it would scale for one branch, and the others would scale back.
    let convert = make("videoconvert")?;
    convert.set_property("qos", false);
    let convert = append(pipeline, input.upcast_ref(), convert)?;
    let mut last = append(pipeline, &convert, caps_filter(working)?)?;
    if spec.video.interlaced {
        last = append(pipeline, &last, deinterlacer(spec.video.frame_rate)?)?;
    }
    if spec.video.orientation != Orientation::Rotate0 {
        let flip = make("videoflip")?;
        flip.set_property_from_str("video-direction", direction(spec.video.orientation));
        last = append(pipeline, &last, flip)?;
    }
    append(pipeline, &last, make("tee")?)
}

/// One frame a frame: the grid has no place for the other field.
fn deinterlacer(rate: FrameRate) -> Result<gst::Element, PipelineError> {
    let deinterlace = make("deinterlace")?;
    deinterlace.set_property_from_str("mode", "interlaced");
    deinterlace.set_property_from_str("fields", "top");
    deinterlace.set_property_from_str("method", "yadif");
    let pad = deinterlace.static_pad("src").expect("a filter has a source pad");
    // It looks at neighbours, and gives the first and the last frame a neighbour's time.
    let position = AtomicU64::new(0);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
            let nanos = rate.frame_nanos(position.fetch_add(1, Ordering::Relaxed));
            buffer.make_mut().set_pts(gst::ClockTime::from_nseconds(nanos));
        }
        gst::PadProbeReturn::Ok
    });
    Ok(deinterlace)
}

/// What `videoflip` calls the turn that makes a picture upright.
fn direction(orientation: Orientation) -> &'static str {
    match orientation {
        Orientation::Rotate0 => "identity",
        Orientation::Rotate90 => "90r",
        Orientation::Rotate180 => "180",
        Orientation::Rotate270 => "90l",
        Orientation::FlipRotate0 => "horiz",
        Orientation::FlipRotate90 => "ur-ll",
        Orientation::FlipRotate180 => "vert",
        Orientation::FlipRotate270 => "ul-lr",
    }
}

fn scale(
    pipeline: &gst::Pipeline,
    from: &gst::Element,
    spec: &ChunkSpec,
    rung: &Rung,
    keep: u64,
    working: &gst::Caps,
) -> Result<gst::Element, PipelineError> {
    let queue = queue()?;
    let pad = queue.static_pad("sink").expect("a queue has a sink pad");
    thin::keep_every(&pad, keep, spec.video.frame_rate, rung.frame_rate);
    let queue = append(pipeline, from, queue)?;
    let scaler = append(pipeline, &queue, scaler(rung)?)?;
    let mut caps = working.copy();
    let sized = caps.make_mut();
    sized.set("width", i32::try_from(rung.width).unwrap_or(i32::MAX));
    sized.set("height", i32::try_from(rung.height).unwrap_or(i32::MAX));
    append(pipeline, &scaler, caps_filter(&caps)?)
}

fn encode(
    pipeline: &gst::Pipeline,
    picture: &gst::Element,
    spec: &ChunkSpec,
    rung: &Rung,
) -> Result<gst_app::AppSink, PipelineError> {
    let divisor = u64::from(rung.rate_divisor.get());
    let gop = match &spec.layout {
        None => spec.gop_frames / divisor,
        // Never reached: every key frame is asked for.
        Some(layout) => layout.longest_gop / divisor + 2,
    };
    let (encoder, caps) = encoder::h264(rung, gop)?;
    if let Some(layout) = &spec.layout {
        let pad = encoder.static_pad("sink").expect("an encoder has a sink pad");
        keys::force(&pad, layout.key_frames.clone(), spec.video.frame_rate);
    }
    let encoder = append(pipeline, picture, encoder)?;
    let sink = gst_app::AppSink::builder()
        .caps(&caps)
        .async_(false)
        .sync(false)
        .qos(false)
        .drop_out_of_segment(false)
        .enable_last_sample(false)
        .build();
    append(pipeline, &encoder, sink.clone().upcast())?;
    Ok(sink)
}

fn scaler(rung: &Rung) -> Result<gst::Element, PipelineError> {
    let scaler = make("videoconvertscale")?;
    scaler.set_property_from_str("method", "catrom");
    scaler.set_property("sharpness", cascade::sharpness(rung));
    scaler.set_property("add-borders", false);
    scaler.set_property("qos", false);
    Ok(scaler)
}

fn queue() -> Result<gst::Element, PipelineError> {
    let queue = make("queue")?;
    queue.set_property("max-size-buffers", QUEUE_FRAMES);
    queue.set_property("max-size-bytes", 0_u32);
    queue.set_property("max-size-time", 0_u64);
    Ok(queue)
}

fn caps_filter(caps: &gst::Caps) -> Result<gst::Element, PipelineError> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// Adds `element` and links it after `last`.
fn append(
    pipeline: &gst::Pipeline,
    last: &gst::Element,
    element: gst::Element,
) -> Result<gst::Element, PipelineError> {
    pipeline.add(&element)?;
    last.link(&element)?;
    Ok(element)
}
