//! Listening to running encoders: what goes in, what comes out.

use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use kinora_media::FrameRate;

use crate::PipelineError;

/// A picture before it was encoded.
#[derive(Clone)]
pub(super) struct Picture {
    /// Its position in the sample.
    pub(super) position: u64,
    pub(super) buffer: gst::Buffer,
    pub(super) caps: gst::Caps,
}

/// What one encoder gave.
#[derive(Clone, Default)]
pub(super) struct Stream {
    /// Access units in decoding order.
    pub(super) units: Vec<gst::Buffer>,
    /// With the parameter sets.
    pub(super) caps: Option<gst::Caps>,
}

/// Something written by a streaming thread and read when that is over.
pub(super) type Shared<T> = Arc<Mutex<T>>;

pub(super) fn take<T: Default>(shared: &Shared<T>) -> T {
    std::mem::take(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Keeps what an encoder gives to its sink.
pub(super) fn listen(output: &gst_app::AppSink) -> Shared<Stream> {
    let stream = Shared::<Stream>::default();
    let written = stream.clone();
    let pad = output.static_pad("sink").expect("a sink has a sink pad");
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &info.data {
            let mut stream = written.lock().unwrap_or_else(PoisonError::into_inner);
            if stream.caps.is_none() {
                stream.caps = pad.current_caps();
            }
            stream.units.push(buffer.clone());
        }
        gst::PadProbeReturn::Ok
    });
    stream
}

/// Keeps the pictures at `positions` that go into the encoder before a sink; `rate` is the
/// encoder's grid.
pub(super) fn watch(
    output: &gst_app::AppSink,
    rate: FrameRate,
    positions: &[u64],
) -> Result<Shared<Vec<Picture>>, PipelineError> {
    let encoder = output.static_pad("sink").and_then(|pad| pad.peer());
    let encoder = encoder.and_then(|pad| pad.parent_element());
    let pad = encoder.and_then(|encoder| encoder.static_pad("sink"));
    let pad = pad.ok_or_else(|| PipelineError::Internal("a sink without an encoder".into()))?;
    let pictures = Shared::<Vec<Picture>>::default();
    let (written, positions) = (pictures.clone(), positions.to_vec());
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &info.data
            && let (Some(pts), Some(caps)) = (buffer.pts(), pad.current_caps())
        {
            let position = rate.nearest_frame(i64::try_from(pts.nseconds()).unwrap_or(i64::MAX));
            if positions.contains(&position) {
                let mut pictures = written.lock().unwrap_or_else(PoisonError::into_inner);
                pictures.push(Picture { position, buffer: buffer.clone(), caps });
            }
        }
        gst::PadProbeReturn::Ok
    });
    Ok(pictures)
}
