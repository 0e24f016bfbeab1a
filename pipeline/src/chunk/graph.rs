//! The encoding pipeline: one trunk that makes frames upright 8-bit 4:2:0, and a branch a rung.
//!
//! ```text
//! appsrc → convert → deinterlace → flip → tee ─ queue → scale 1080 → x264 → appsink
//!                                          └─── queue → scale 720 → tee ─ queue → x264 → appsink
//!                                                                    └─── queue → scale 480 → …
//! ```
//!
//! Queues hold a frame, sinks wait for nobody, so an encoder that looks far ahead never keeps
//! another from being fed.

use std::sync::atomic::{AtomicU64, Ordering};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use kinora_media::FrameRate;
use kinora_plan::{Orientation, Rung, encoder::ChunkSpec};

use super::{
    cascade,
    encoder::{self, Vbv},
    keys, scale, thin,
};
use crate::{
    PipelineError,
    gpu::{Device, describe, stage::Stage},
};

/// Frames a queue holds, each up to 12 MiB: two instead of one cost memory and save no time.
const QUEUE_FRAMES: u32 = 1;

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

/// Builds the pipeline for frames of `input_caps`, which become `working` before anything else. On
/// a device scaling and encoding take place in its memory.
pub(super) fn build(
    spec: &ChunkSpec,
    input_caps: &gst::Caps,
    working: &gst::Caps,
    device: Option<&Device>,
) -> Result<Graph, PipelineError> {
    let pipeline = gst::Pipeline::new();
    let input = gst_app::AppSrc::builder()
        .format(gst::Format::Time)
        .caps(input_caps)
        .stream_type(gst_app::AppStreamType::Stream)
        .build();
    pipeline.add(&input)?;
    let trunk = trunk(&pipeline, &input, spec, (input_caps, working), device)?;
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
        let kept = append(&pipeline, from, thinned(spec, rung, keep)?)?;
        let scaled = match device {
            None => scaled(&pipeline, &kept, rung, working)?,
            Some(device) => {
                let stages = describe::scale(device, rung, &colour(working));
                append_all(&pipeline, &kept, &stages)?
            }
        };
        let picture = if parents.contains(&Some(index)) {
            let tee = append(&pipeline, &scaled, make("tee")?)?;
            tees[index] = Some(tee.clone());
            append(&pipeline, &tee, queue()?)?
        } else {
            scaled
        };
        outputs[index] = Some(match device {
            None => encode(&pipeline, &picture, spec, rung)?,
            Some(device) => encode_on(device, &pipeline, &picture, spec, index)?,
        });
    }
    let outputs = outputs.into_iter().flatten().collect();
    Ok(Graph { pipeline, input, outputs })
}

fn trunk(
    pipeline: &gst::Pipeline,
    input: &gst_app::AppSrc,
    spec: &ChunkSpec,
    (input_caps, working): (&gst::Caps, &gst::Caps),
    device: Option<&Device>,
) -> Result<gst::Element, PipelineError> {
    let memory = device.and_then(Device::memory);
    let there = input_caps.features(0).zip(memory).is_some_and(|(has, it)| has.contains(it));
    if there {
        return append(pipeline, input.upcast_ref(), make("tee")?);
    }
    let mut working = working.copy();
    if let Some(device) = device {
        working.make_mut().set("format", device.format());
    }
    let working = &working;
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
    if let (Some(device), Some(_)) = (device, memory) {
        let mut stages = describe::upload(device);
        stages.push(Stage::Caps(describe::frames(device, &colour(working))));
        last = append_all(pipeline, &last, &stages)?;
    }
    append(pipeline, &last, make("tee")?)
}

/// What caps say of colours, as fields behind others.
fn colour(working: &gst::Caps) -> String {
    let field = |name| {
        let value = working.structure(0).and_then(|caps| caps.get::<&str>(name).ok());
        value.map(|value| format!(",{name}={value}")).unwrap_or_default()
    };
    format!(",pixel-aspect-ratio=1/1{}{}", field("colorimetry"), field("chroma-site"))
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

/// A queue that lets only the rung's frames in.
fn thinned(spec: &ChunkSpec, rung: &Rung, keep: u64) -> Result<gst::Element, PipelineError> {
    let queue = queue()?;
    let pad = queue.static_pad("sink").expect("a queue has a sink pad");
    thin::keep_every(&pad, keep, spec.video.frame_rate, rung.frame_rate);
    Ok(queue)
}

fn scaled(
    pipeline: &gst::Pipeline,
    from: &gst::Element,
    rung: &Rung,
    working: &gst::Caps,
) -> Result<gst::Element, PipelineError> {
    let scaler = append(pipeline, from, scale::new())?;
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
    let shortest_gop = spec.layout.as_ref().map(|layout| {
        let gops = layout.key_frames.windows(2).map(|pair| pair[1] - pair[0]);
        gops.min().unwrap_or(layout.longest_gop) / divisor
    });
    let (encoder, caps) = encoder::h264(rung, Vbv::of(rung, spec), gop, shortest_gop)?;
    if let Some(layout) = &spec.layout {
        let pad = encoder.static_pad("sink").expect("an encoder has a sink pad");
        keys::force(&pad, layout.key_frames.clone(), spec.video.frame_rate);
    }
    let encoder = append(pipeline, picture, encoder)?;
    collector(pipeline, &encoder, &caps)
}

fn encode_on(
    device: &Device,
    pipeline: &gst::Pipeline,
    picture: &gst::Element,
    spec: &ChunkSpec,
    branch: usize,
) -> Result<gst_app::AppSink, PipelineError> {
    let rung = &spec.rungs[branch];
    let gop = spec.gop_frames / u64::from(rung.rate_divisor.get());
    let vbv = Vbv::of(rung, spec);
    let stages = describe::encode(device, &device.encoder()?, rung, vbv, gop, branch);
    let coded = append_all(pipeline, picture, &stages)?;
    collector(pipeline, &coded, &gst::Caps::new_empty_simple("video/x-h264"))
}

/// Where coded pictures leave the pipeline.
fn collector(
    pipeline: &gst::Pipeline,
    coded: &gst::Element,
    caps: &gst::Caps,
) -> Result<gst_app::AppSink, PipelineError> {
    let sink = gst_app::AppSink::builder()
        .caps(caps)
        .async_(false)
        .sync(false)
        .qos(false)
        .drop_out_of_segment(false)
        .enable_last_sample(false)
        .build();
    append(pipeline, coded, sink.clone().upcast())?;
    Ok(sink)
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

/// Adds an element for each stage and links them after `last`; the last of them.
fn append_all(
    pipeline: &gst::Pipeline,
    last: &gst::Element,
    stages: &[Stage],
) -> Result<gst::Element, PipelineError> {
    let mut last = last.clone();
    for stage in stages {
        last = append(pipeline, &last, stage.make()?)?;
    }
    Ok(last)
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
