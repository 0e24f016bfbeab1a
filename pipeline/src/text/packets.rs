//! The packets of subtitles of a source, read without decoding anything else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;
use gstreamer as gst;
use kinora_packager::text::MAX_CUES;
use kinora_plan::encoder::TextSpec;

use super::{
    MAX_TEXT,
    listener::{Listener, listen},
};
use crate::{
    PipelineError, audio::Idle, bus, child::Reporter, decode::stream_time, source::Source,
};

/// How often a wait looks around.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(20);
/// Formats whose packets say more than what GStreamer's parsers leave of them.
const KEPT_RAW: [&str; 2] = ["application/x-ass", "application/x-ssa"];

/// What the packets of a stream are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    Pango,
    /// A cue of WebVTT in WebM: identifier and settings in lines of their own, if they are there.
    WebVtt,
    /// With the script's header.
    Ass(String),
}

/// A text and when it is shown, on the container's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) start_ns: i64,
    pub(super) end_ns: Option<i64>,
    pub(super) text: String,
}

/// One stream that was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    pub(super) format: Option<Format>,
    pub(super) packets: Vec<Packet>,
    /// More came than is kept.
    pub(super) truncated: bool,
    /// Something came that is no text.
    pub(super) unreadable: bool,
    bytes: usize,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
}

/// What was read.
pub(super) struct Read {
    /// In the order asked for.
    pub(super) tracks: Vec<Track>,
    /// Why reading ended early.
    pub(super) damage: Option<String>,
}

type Tracks = Arc<Mutex<Vec<Track>>>;
/// Captions of one stream each, and which tracks its channels become.
pub(super) type Listeners = Arc<Mutex<Vec<Listener>>>;

/// Reads the source from end to end.
pub(super) fn read(
    spec: &TextSpec,
    source: &Source,
    reporter: &Reporter,
) -> Result<Read, PipelineError> {
    let pipeline = gst::Pipeline::new();
    let demuxer = source.demuxer()?;
    demuxer.connect("autoplug-continue", false, |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let name = caps.as_ref().and_then(|caps| caps.structure(0)).map(|s| s.name().to_string());
        Some((!name.is_some_and(|name| KEPT_RAW.contains(&&*name))).to_value())
    });
    let input = source.element()?;
    pipeline.add_many([&input, &demuxer])?;
    input.link(&demuxer)?;
    let tracks: Tracks = Arc::new(Mutex::new(vec![Track::default(); spec.streams.len()]));
    let listeners = Listeners::default();
    let (weak, streams) = (pipeline.downgrade(), spec.streams.clone());
    let (shared, heard) = (tracks.clone(), listeners.clone());
    demuxer.connect_pad_added(move |_, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        let id = pad.stream_id().map(|id| id.to_string()).unwrap_or_default();
        let wanted = streams.iter().position(|stream| *stream == id);
        listen(pad, &streams, &id, &heard);
        // A pad that cannot be linked shows nothing; its stream has no text then.
        let linked = drain(&pipeline, pad, wanted.map(|number| (number, shared.clone())));
        linked.unwrap_or_else(|error| tracing::warn!(%error, "stream not read"));
    });
    let _ = pipeline.set_state(gst::State::Playing);
    let end = wait(&pipeline, source, spec, reporter);
    for element in pipeline.iterate_elements().into_iter().flatten() {
        element.set_locked_state(false);
    }
    let _ = pipeline.set_state(gst::State::Null);
    let mut tracks = std::mem::take(&mut *lock(&tracks));
    std::mem::take(&mut *lock(&listeners)).into_iter().for_each(|heard| heard.finish(&mut tracks));
    match end {
        Ok(()) => Ok(Read { tracks, damage: None }),
        Err(error @ PipelineError::Input { .. })
            if tracks.iter().any(|track| !track.packets.is_empty()) =>
        {
            Ok(Read { tracks, damage: Some(error.to_string()) })
        }
        Err(error) => Err(error),
    }
}

fn wait(
    pipeline: &gst::Pipeline,
    source: &Source,
    spec: &TextSpec,
    reporter: &Reporter,
) -> Result<(), PipelineError> {
    let gst_bus = pipeline.bus().expect("a pipeline has a bus");
    let total_ms = spec.duration_us / 1000;
    let mut idle = Idle::default();
    loop {
        if let Some(error) = source.failure() {
            return Err(error);
        }
        let ends = [gst::MessageType::Eos, gst::MessageType::Error];
        match gst_bus.timed_pop_filtered(POLL, &ends) {
            Some(message) if message.type_() == gst::MessageType::Eos => return Ok(()),
            Some(message) => {
                // Back, for the one place that reads errors.
                let _ = gst_bus.post(message);
                let error = bus::source_error(&gst_bus, source, "the file");
                return Err(error.unwrap_or_else(|| {
                    PipelineError::Internal("an error that cannot be read".into())
                }));
            }
            None if idle.is_final(pipeline) => return Ok(()),
            None => {
                let position = pipeline.query_position::<gst::ClockTime>();
                reporter.progress(position.map_or(0, |at| at.mseconds().min(total_ms)), total_ms);
            }
        }
    }
}

/// Reads a stream, if it is wanted, or lets it pass: demuxers give up on streams linked to nothing.
fn drain(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    wanted: Option<(usize, Tracks)>,
) -> Result<(), PipelineError> {
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .property("async", false)
        .property("enable-last-sample", false)
        .build()
        .map_err(|_| PipelineError::MissingElement("fakesink"))?;
    let input = sink.static_pad("sink").expect("a sink has a pad");
    if let Some((number, tracks)) = wanted {
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
        input.add_probe(kinds, move |_, info| {
            let track = &mut lock(&tracks)[number];
            match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => track.packet(buffer),
                Some(gst::PadProbeData::Event(event)) => track.event(event),
                _ => {}
            }
            gst::PadProbeReturn::Ok
        });
    }
    pipeline.add(&sink)?;
    // It plays from now on: following the pipeline, it could miss the last step.
    sink.set_locked_state(true);
    sink.set_state(gst::State::Playing)
        .map_err(|error| PipelineError::Internal(format!("fakesink: {error}")))?;
    pad.link(&input).map_err(|error| PipelineError::Internal(format!("demuxer: {error}")))?;
    Ok(())
}

impl Track {
    fn event(&mut self, event: &gst::EventRef) {
        match event.view() {
            gst::EventView::Caps(caps) => self.format = caps.caps().structure(0).map(format),
            gst::EventView::Segment(segment) => {
                self.segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
            }
            _ => {}
        }
    }

    fn packet(&mut self, buffer: &gst::BufferRef) {
        let (Some(segment), Some(pts)) = (&self.segment, buffer.pts()) else { return };
        // Gaps between 3GPP texts are empty packets.
        let Ok(map) = buffer.map_readable() else { return };
        let Ok(text) = std::str::from_utf8(&map) else {
            self.unreadable = true;
            return;
        };
        let text = text.trim_end_matches(['\0', '\n', '\r']);
        if text.trim_start().is_empty() {
            return;
        }
        self.bytes += text.len();
        if self.packets.len() >= MAX_CUES || self.bytes > MAX_TEXT {
            self.truncated = true;
            return;
        }
        let Some(start_ns) = stream_time(segment, pts) else { return };
        let length = buffer.duration().and_then(|length| i64::try_from(length.nseconds()).ok());
        let end_ns = length.map(|length| start_ns.saturating_add(length));
        self.packets.push(Packet { start_ns, end_ns, text: text.to_owned() });
    }
}

fn format(caps: &gst::StructureRef) -> Format {
    if KEPT_RAW.contains(&caps.name().as_str()) {
        let script = caps.get::<gst::Buffer>("codec_data").ok();
        let script = script.and_then(|buffer| buffer.into_mapped_buffer_readable().ok());
        return Format::Ass(
            script.map_or_else(String::new, |script| String::from_utf8_lossy(&script).into_owned()),
        );
    }
    match caps.get::<&str>("format") {
        Ok("pango-markup") => Format::Pango,
        // What GStreamer 1.22 calls WebVTT in Matroska.
        _ if caps.name() == "application/x-subtitle-unknown" => Format::WebVtt,
        _ => Format::Plain,
    }
}

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
