//! Decoding what an encoder gave, for the pictures that are judged.

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::taps::{Picture, Stream};
use crate::{PipelineError, bus, chunk::make};

/// How often a wait looks for errors.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// A decoder that gives nothing for so many looks hangs.
const LOOKS: u32 = 300;

/// The pictures at `positions`, ascending, of a stream whose first is at 0 and that lacks none.
pub(super) fn pictures(stream: Stream, positions: &[u64]) -> Result<Vec<Picture>, PipelineError> {
    let caps = stream.caps.ok_or_else(|| broken("an encoder gave nothing"))?;
    let running = Running(gst::Pipeline::new());
    let input = gst_app::AppSrc::builder()
        .format(gst::Format::Time)
        .caps(&caps)
        .stream_type(gst_app::AppStreamType::Stream)
        .build();
    // All of it is in memory already.
    input.set_max_bytes(0);
    let sink = gst_app::AppSink::builder()
        .caps(&gst::Caps::new_empty_simple("video/x-raw"))
        .max_buffers(2)
        .sync(false)
        .qos(false)
        .enable_last_sample(false)
        .build();
    let decoder = make("avdec_h264")?;
    running.0.add_many([input.upcast_ref(), &decoder, sink.upcast_ref()])?;
    gst::Element::link_many([input.upcast_ref(), &decoder, sink.upcast_ref()])?;
    let play = running.0.set_state(gst::State::Playing);
    play.map_err(|error| broken(&format!("the decoder does not start: {error}")))?;
    for unit in stream.units {
        input.push_buffer(unit).map_err(|flow| broken(&format!("the decoder stopped: {flow}")))?;
    }
    input.end_of_stream().map_err(|flow| broken(&format!("the decoder stopped: {flow}")))?;
    collect(&running.0, &sink, positions)
}

fn collect(
    pipeline: &gst::Pipeline,
    sink: &gst_app::AppSink,
    positions: &[u64],
) -> Result<Vec<Picture>, PipelineError> {
    let bus = pipeline.bus().expect("a pipeline has a bus");
    let (mut found, mut position, mut looks) = (Vec::new(), 0, 0);
    while found.len() < positions.len() {
        let Some(sample) = sink.try_pull_sample(POLL) else {
            if let Some(error) = bus::internal_error(&bus) {
                return Err(error);
            }
            looks += 1;
            if sink.is_eos() || looks > LOOKS {
                return Err(broken(&format!("the decoder gave {position} pictures and no more")));
            }
            continue;
        };
        looks = 0;
        if positions.contains(&position)
            && let (Some(buffer), Some(caps)) = (sample.buffer_owned(), sample.caps_owned())
        {
            found.push(Picture { position, buffer, caps });
        }
        position += 1;
    }
    Ok(found)
}

/// Stops its pipeline when dropped.
struct Running(gst::Pipeline);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

fn broken(what: &str) -> PipelineError {
    PipelineError::Internal(format!("judging a sample: {what}"))
}
