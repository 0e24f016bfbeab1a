//! One video stream of the source through its demuxer, parser and decoder into a bounded sink.

use std::{sync::PoisonError, time::Duration};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::{
    gate::Gate,
    link::{Problem, accept_strides, is_linked, watch_pads},
};
use crate::{
    PipelineError,
    audio::Idle,
    bus::{self, Early},
    gpu::Device,
    source::Source,
};

/// How often a wait looks for errors.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// What errors call the stream.
pub(super) const SUBJECT: &str = "the picture";

/// A running decoder of one video stream. No other stream of the source is decoded.
///
/// It decodes no further ahead than its sink holds, and stops when dropped.
pub struct Decoding {
    source: Source,
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    sink: gst_app::AppSink,
    early: Early,
    problem: Problem,
    gate: Option<Gate>,
}

impl Decoding {
    /// Starts to decode the stream of that id, ahead by at most `ahead` buffers; from `seek_to`
    /// (stream time, nanoseconds) or from the beginning.
    ///
    /// After a seek the first buffer is the one that covers `seek_to`, its timestamp clipped to it.
    ///
    /// # Errors
    /// When the source holds no such stream, or cannot be read, demuxed, decoded or sought.
    pub fn open(
        source: &Source,
        stream_id: &str,
        seek_to: Option<u64>,
        ahead: u32,
    ) -> Result<Self, PipelineError> {
        Self::open_on(None, source, stream_id, seek_to, ahead)
    }

    /// The same by a device's decoder, into the device's memory, if one is given.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_on(
        device: Option<&Device>,
        source: &Source,
        stream_id: &str,
        seek_to: Option<u64>,
        ahead: u32,
    ) -> Result<Self, PipelineError> {
        let mut raw = gst::Caps::new_empty_simple("video/x-raw");
        if let Some(memory) = device.and_then(Device::memory) {
            raw.make_mut().set_features(0, Some(gst::CapsFeatures::new([memory])));
        }
        Self::open_as(source, (stream_id, &raw, device), seek_to, ahead)
    }

    /// What its elements share with those of other pipelines: a device's context.
    pub(crate) fn contexts(&self) -> Vec<gst::Context> {
        self.pipeline.contexts()
    }

    /// The same for the coded pictures of a stream of H.264 as MP4 has it: nothing is decoded.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_coded(
        source: &Source,
        stream_id: &str,
        seek_to: Option<u64>,
        ahead: u32,
    ) -> Result<Self, PipelineError> {
        let coded = gst::Caps::builder("video/x-h264")
            .field("stream-format", "avc")
            .field("alignment", "au")
            .build();
        Self::open_as(source, (stream_id, &coded, None), seek_to, ahead)
    }

    fn open_as(
        source: &Source,
        (stream_id, wanted, device): (&str, &gst::Caps, Option<&Device>),
        seek_to: Option<u64>,
        ahead: u32,
    ) -> Result<Self, PipelineError> {
        let pipeline = gst::Pipeline::new();
        let sink = gst_app::AppSink::builder()
            .caps(wanted)
            .max_buffers(ahead.max(1))
            .sync(false)
            .qos(false)
            .enable_last_sample(false)
            .build();
        accept_strides(&sink);
        let (input, demuxer) = (source.element()?, source.demuxer()?);
        pipeline.add_many([&input, &demuxer, sink.upcast_ref()])?;
        input.link(&demuxer)?;
        let problem = Problem::default();
        let bus = pipeline.bus().expect("a pipeline has a bus");
        let early = Early::watch(&bus);
        let gate = seek_to.map(|_| Gate::default());
        let found = (&problem, &early, gate.as_ref());
        watch_pads(&pipeline, &demuxer, &sink, (stream_id, device), found);
        let decoding = Self { source: source.clone(), pipeline, bus, sink, early, problem, gate };
        decoding.start(seek_to)?;
        Ok(decoding)
    }

    /// The next buffer, with its caps and segment; `None` at the end of the stream.
    ///
    /// # Errors
    /// When the source cannot be read, demuxed or decoded any further.
    pub fn pull(&mut self) -> Result<Option<gst::Sample>, PipelineError> {
        let mut idle = Idle::default();
        loop {
            if let Some(sample) = self.sink.try_pull_sample(POLL) {
                return Ok(Some(sample));
            }
            // An error comes before the end it causes.
            self.check()?;
            if self.sink.is_eos() {
                return Ok(None);
            }
            if idle.is_final(&self.pipeline) {
                return self.linked().map(|()| None);
            }
            self.resume();
        }
    }

    /// Goes on from `to` (stream time, nanoseconds): exactly, or from about the key frame before.
    ///
    /// With `exactly` just after a key frame nothing before it is decoded. Without, demuxers go
    /// to where every stream has a key, so that most of a group of pictures may be decoded.
    ///
    /// # Errors
    /// When the stream cannot be entered there.
    pub fn enter(&mut self, to: u64, exactly: bool) -> Result<(), PipelineError> {
        self.await_state()?;
        let how = match exactly {
            true => gst::SeekFlags::ACCURATE,
            false => gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE,
        };
        let flags = gst::SeekFlags::FLUSH | how;
        let seek = gst::event::Seek::new(
            1.0,
            flags,
            gst::SeekType::Set,
            gst::ClockTime::from_nseconds(to),
            gst::SeekType::None,
            gst::ClockTime::NONE,
        );
        // Through its own sink: the demuxer would seek once for every sink of the pipeline.
        let entered = self.sink.send_event(seek);
        if entered { Ok(()) } else { Err(self.found().unwrap_or_else(|| self.no_entry())) }
    }

    /// From now on decodes key frames alone, of a stream that is read from end to end.
    pub fn skip_between_key_frames(&self) {
        let decoder = self.sink.static_pad("sink").and_then(|pad| pad.peer());
        let decoder = decoder.and_then(|pad| pad.parent_element());
        let Some(input) = decoder.and_then(|decoder| decoder.static_pad("sink")) else { return };
        input.add_probe(gst::PadProbeType::BUFFER, |_, info| match &info.data {
            Some(gst::PadProbeData::Buffer(buffer))
                if buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) =>
            {
                gst::PadProbeReturn::Drop
            }
            _ => gst::PadProbeReturn::Ok,
        });
    }

    fn start(&self, seek_to: Option<u64>) -> Result<(), PipelineError> {
        // Never paused: the other streams' sinks would wait, and with them the demuxer.
        self.set_state(gst::State::Playing)?;
        if let (Some(seek_to), Some(gate)) = (seek_to, &self.gate) {
            // A seek needs a demuxer that has read its index.
            self.await_stream(gate)?;
            let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
            self.pipeline
                .seek_simple(flags, gst::ClockTime::from_nseconds(seek_to))
                .map_err(|_| self.found().unwrap_or_else(|| self.no_entry()))?;
            gate.open();
        }
        Ok(())
    }

    fn await_stream(&self, gate: &Gate) -> Result<(), PipelineError> {
        let mut idle = Idle::default();
        while !gate.is_reached(POLL.into()) {
            self.check()?;
            if idle.is_final(&self.pipeline) {
                self.linked()?;
                return Err(self.no_entry());
            }
            self.resume();
        }
        self.check()
    }

    fn set_state(&self, state: gst::State) -> Result<(), PipelineError> {
        self.pipeline.set_state(state).map(drop).map_err(|error| {
            // As an encoder that could not start: who disposes of it may wait for ever.
            std::mem::forget(self.pipeline.clone());
            let found = self.found().or_else(|| self.early.error(&self.source, SUBJECT));
            found.unwrap_or_else(|| PipelineError::Internal(error.to_string()))
        })
    }

    fn await_state(&self) -> Result<(), PipelineError> {
        let mut idle = Idle::default();
        loop {
            let (result, _, _) = self.pipeline.state(POLL);
            self.check()?;
            match result {
                Ok(gst::StateChangeSuccess::Async) if idle.is_final(&self.pipeline) => {
                    self.linked()?;
                    return Err(self.no_entry());
                }
                Ok(gst::StateChangeSuccess::Async) => {}
                Ok(_) => return Ok(()),
                Err(_) if idle.is_final(&self.pipeline) => {
                    self.linked()?;
                    return Err(self.no_entry());
                }
                Err(_) => {
                    self.resume();
                    // If there was a reason, its message is on its way to the bus.
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
    }

    /// A demuxer's complaint about another stream ends the change of state it falls into.
    fn resume(&self) {
        if self.pipeline.state(gst::ClockTime::ZERO).0.is_err() {
            let _ = self.pipeline.set_state(gst::State::Playing);
        }
    }

    fn check(&self) -> Result<(), PipelineError> {
        self.found().map_or(Ok(()), Err)
    }

    fn found(&self) -> Option<PipelineError> {
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner).take();
        problem
            .or_else(|| bus::source_error(&self.bus, &self.source, SUBJECT))
            .or_else(|| self.source.failure())
    }

    /// Whether the demuxer showed the stream.
    fn linked(&self) -> Result<(), PipelineError> {
        if is_linked(&self.sink) {
            return Ok(());
        }
        self.early.error(&self.source, SUBJECT).map_or(Ok(()), Err)?;
        let message = format!("{} is not where the probe found it", SUBJECT);
        Err(PipelineError::input("no_streams", message))
    }

    fn no_entry(&self) -> PipelineError {
        PipelineError::input(
            "decode_error",
            format!("{} cannot be entered in the middle: its index is damaged", SUBJECT),
        )
    }
}

impl Drop for Decoding {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
