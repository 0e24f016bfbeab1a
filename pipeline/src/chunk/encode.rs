//! Running the encoding pipeline: frames in, renditions out.

use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use kinora_media::FrameRate;
use kinora_plan::encoder::{ChunkSpec, EncodedTrack};

use super::{colour, graph, rendition::Rendition};
use crate::{PipelineError, bus, decode::GridFrame, gpu::Device, tone::ToSdr};

/// The most frames that wait before the trunk.
const WAITING: u64 = 1;
/// How often a wait looks for errors.
const POLL: Duration = Duration::from_millis(100);

/// A device to encode on, and what its decoder's pipeline shares with the encoders'.
pub(crate) struct Place<'a> {
    pub(crate) device: &'a Device,
    /// Encoders copy frames of another CUDA context or VA display through system memory.
    pub(crate) contexts: Vec<gst::Context>,
}

/// A running encoding pipeline. Stops when dropped.
pub(crate) struct Encoding {
    rate: FrameRate,
    to_sdr: ToSdr,
    first: u64,
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    input: gst_app::AppSrc,
    decoded_caps: gst::Caps,
    shared: Arc<Shared>,
}

struct Shared {
    renditions: Vec<Mutex<Rendition>>,
    /// The first thing that went wrong outside GStreamer.
    problem: Mutex<Option<PipelineError>>,
    /// Source frames that the first rung has encoded.
    done: AtomicU64,
    /// A frame left the input.
    room: Condvar,
    room_lock: Mutex<()>,
}

impl Encoding {
    /// Starts a pipeline for frames as the decoder describes them.
    pub(crate) fn start(
        spec: &ChunkSpec,
        decoded_caps: &gst::Caps,
        place: Option<Place<'_>>,
    ) -> Result<Self, PipelineError> {
        Self::start_in(spec, decoded_caps, place, |_| Ok(()))
    }

    /// The same on the processor, after `watch` has seen the sinks behind the encoders, in the
    /// order of the rungs.
    pub(crate) fn start_watched(
        spec: &ChunkSpec,
        decoded_caps: &gst::Caps,
        watch: impl FnOnce(&[gst_app::AppSink]) -> Result<(), PipelineError>,
    ) -> Result<Self, PipelineError> {
        Self::start_in(spec, decoded_caps, None, watch)
    }

    fn start_in(
        spec: &ChunkSpec,
        decoded_caps: &gst::Caps,
        place: Option<Place<'_>>,
        watch: impl FnOnce(&[gst_app::AppSink]) -> Result<(), PipelineError>,
    ) -> Result<Self, PipelineError> {
        let mut to_sdr = ToSdr::new(&spec.video);
        let input_caps = to_sdr.caps(decoded_caps)?;
        let working_caps = colour::working_caps(&input_caps)?;
        let colour = colour::code_points(&working_caps)?;
        let device = place.as_ref().map(|place| place.device);
        let graph = graph::build(spec, &input_caps, &working_caps, device)?;
        for context in place.iter().flat_map(|place| &place.contexts) {
            graph.pipeline.set_context(context);
        }
        watch(&graph.outputs)?;
        let shared = Arc::new(Shared {
            renditions: spec
                .rungs
                .iter()
                .map(|rung| Rendition::create(spec, rung, colour).map(Mutex::new))
                .collect::<Result<_, _>>()?,
            problem: Mutex::new(None),
            done: AtomicU64::new(0),
            room: Condvar::new(),
            room_lock: Mutex::new(()),
        });
        for (index, output) in graph.outputs.iter().enumerate() {
            let divisor = u64::from(spec.rungs[index].rate_divisor.get());
            collect(output, index, divisor, shared.clone());
        }
        announce_room(&graph.input, shared.clone());
        let encoding = Self {
            rate: spec.video.frame_rate,
            to_sdr,
            first: spec.chunk.first_frame,
            bus: graph.pipeline.bus().expect("a pipeline has a bus"),
            pipeline: graph.pipeline,
            input: graph.input,
            decoded_caps: decoded_caps.clone(),
            shared,
        };
        encoding.pipeline.set_state(gst::State::Playing).map_err(|error| {
            // An element that could not start, for want of memory, keeps the threads it did start,
            // and who disposes of it waits for them for ever. This process ends soon.
            std::mem::forget(encoding.pipeline.clone());
            encoding.stopped(error)
        })?;
        Ok(encoding)
    }

    /// Hands over the next frame; waits while the encoders are behind.
    pub(crate) fn push(&mut self, frame: GridFrame) -> Result<(), PipelineError> {
        if frame.caps != self.decoded_caps {
            self.input.set_caps(Some(&self.to_sdr.caps(&frame.caps)?));
            self.decoded_caps = frame.caps;
        }
        let mut buffer = self.to_sdr.frame(frame.buffer, &self.decoded_caps)?;
        stamp(buffer.make_mut(), self.rate, frame.position - self.first);
        let mut room = self.shared.room_lock();
        while self.input.current_level_buffers() >= WAITING {
            self.ended(gst::ClockTime::ZERO)?;
            room = wait(&self.shared.room, room);
        }
        drop(room);
        self.input.push_buffer(buffer).map(drop).map_err(|flow| self.stopped(flow))
    }

    /// Source frames that are through the first rung's encoder.
    pub(crate) fn frames_done(&self) -> u64 {
        self.shared.done.load(Ordering::Relaxed)
    }

    /// Whether every encoder has given a picture.
    pub(super) fn has_begun(&self) -> bool {
        self.shared.renditions.iter().all(|rendition| lock(rendition).has_begun())
    }

    /// Ends the chunk after `frames` frames and gives every rung's result.
    pub(crate) fn finish(
        self,
        frames: u64,
        mut progress: impl FnMut(u64),
    ) -> Result<Vec<EncodedTrack>, PipelineError> {
        self.input
            .end_of_stream()
            .map_err(|flow| PipelineError::Internal(format!("end of chunk: {flow}")))?;
        let timeout = gst::ClockTime::try_from(POLL).expect("a tenth of a second fits");
        while !self.ended(timeout)? {
            progress(self.frames_done());
        }
        let _ = self.pipeline.set_state(gst::State::Null);
        self.shared.renditions.iter().map(|rendition| lock(rendition).finish(frames)).collect()
    }

    /// Whether every rung is at its end. Our own problem comes before GStreamer's view of it.
    fn ended(&self, wait: gst::ClockTime) -> Result<bool, PipelineError> {
        let ended = bus::internal_end(&self.bus, wait);
        lock(&self.shared.problem).take().map_or(ended, Err)
    }

    fn stopped(&self, otherwise: impl ToString) -> PipelineError {
        match self.ended(gst::ClockTime::ZERO) {
            Err(error) => error,
            Ok(_) => PipelineError::Internal(otherwise.to_string()),
        }
    }
}

impl Drop for Encoding {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Shared {
    fn room_lock(&self) -> MutexGuard<'_, ()> {
        lock(&self.room_lock)
    }
}

/// The frame's time and duration from its place alone.
fn stamp(buffer: &mut gst::BufferRef, rate: FrameRate, index: u64) {
    let (start, end) = (rate.frame_nanos(index), rate.frame_nanos(index + 1));
    buffer.set_pts(gst::ClockTime::from_nseconds(start));
    buffer.set_dts(gst::ClockTime::NONE);
    buffer.set_duration(gst::ClockTime::from_nseconds(end - start));
    buffer.unset_flags(gst::BufferFlags::DISCONT | gst::BufferFlags::RESYNC);
}

fn collect(output: &gst_app::AppSink, index: usize, divisor: u64, shared: Arc<Shared>) {
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        match lock(&shared.renditions[index]).take(&sample) {
            Ok(units) if index == 0 => shared.done.store(units * divisor, Ordering::Relaxed),
            Ok(_) => {}
            Err(error) => {
                lock(&shared.problem).get_or_insert(error);
                return Err(gst::FlowError::Error);
            }
        }
        Ok(gst::FlowSuccess::Ok)
    });
    output.set_callbacks(callbacks.build());
}

fn announce_room(input: &gst_app::AppSrc, shared: Arc<Shared>) {
    let pad = input.static_pad("src").expect("a source has a pad");
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        drop(shared.room_lock());
        shared.room.notify_one();
        gst::PadProbeReturn::Ok
    });
}

fn wait<'a>(room: &Condvar, guard: MutexGuard<'a, ()>) -> MutexGuard<'a, ()> {
    room.wait_timeout(guard, POLL).unwrap_or_else(PoisonError::into_inner).0
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
