//! One soundtrack of the source, decoded and resampled, in whatever channels it has.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_audio as gst_audio;

use super::Idle;
use crate::{PipelineError, bus, decode::stream_time, source::Source};

/// Buffers that wait; each is some 20 ms.
const AHEAD: u32 = 16;
/// How often a wait looks for errors.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// Channels a soundtrack has at most.
const MAX_CHANNELS: i32 = 64;
/// Louder samples are garbage: 24 dB above full scale.
const LOUDEST: f32 = 16.0;
const SUBJECT: &str = "the sound";

/// A running decoder of one soundtrack. Stops when dropped.
pub(crate) struct Sound {
    source: Source,
    pipeline: gst::Pipeline,
    gst_bus: gst::Bus,
    sink: gst_app::AppSink,
    early: bus::Early,
    found: Arc<Mutex<Found>>,
}

/// What GStreamer's threads find out.
#[derive(Default)]
struct Found {
    /// What the decoder gives, before mixing.
    decoded: Option<gst_audio::AudioInfo>,
    problem: Option<PipelineError>,
    /// Whether the demuxer showed the soundtrack.
    linked: bool,
}

/// A piece of decoded sound.
pub(crate) struct Decoded {
    /// Stream time of its first sample, nanoseconds, if it has one.
    pub(crate) time: Option<i64>,
    /// What its channels are; may change on the way.
    pub(crate) info: gst_audio::AudioInfo,
    /// Interleaved.
    pub(crate) samples: Vec<f32>,
}

impl Sound {
    /// Starts to decode the soundtrack of that id from its beginning, at `rate` samples a second.
    pub(crate) fn open(source: &Source, stream_id: &str, rate: u32) -> Result<Self, PipelineError> {
        let pipeline = gst::Pipeline::new();
        let (input, demuxer) = (source.element()?, source.demuxer()?);
        let (convert, resample) = (make("audioconvert")?, make("audioresample")?);
        let caps = caps(rate)?;
        // Not async: a pipeline that waits for its first sound would stop the other sinks, and
        // with them the demuxer.
        let sink = gst_app::AppSink::builder()
            .caps(&caps)
            .max_buffers(AHEAD)
            .sync(false)
            .async_(false)
            .build();
        pipeline.add_many([&input, &demuxer, &convert, &resample, sink.upcast_ref()])?;
        input.link(&demuxer)?;
        gst::Element::link_many([&convert, &resample, sink.upcast_ref()])?;
        let found = Arc::new(Mutex::new(Found::default()));
        let gst_bus = pipeline.bus().expect("a pipeline has a bus");
        let early = bus::Early::watch(&gst_bus);
        watch(&pipeline, &demuxer, &convert, stream_id, (&found, &early));
        let sound = Self { source: source.clone(), pipeline, gst_bus, sink, early, found };
        if sound.pipeline.set_state(gst::State::Playing).is_err() {
            sound.check()?;
            sound.explain_silence()?;
        }
        Ok(sound)
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the source holds no such stream, or cannot be read, demuxed or decoded any further.
    pub(crate) fn pull(&mut self) -> Result<Option<Decoded>, PipelineError> {
        self.pull_before(None)
    }

    /// As [`Self::pull`]; `None` too when nothing has come by then.
    pub(crate) fn pull_within(
        &mut self,
        deadline: Instant,
    ) -> Result<Option<Decoded>, PipelineError> {
        self.pull_before(Some(deadline))
    }

    /// Goes on about there, nanoseconds; `false` if the source does not let it.
    pub(crate) fn seek(&mut self, target_ns: u64) -> bool {
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT;
        self.sink.seek_simple(flags, gst::ClockTime::from_nseconds(target_ns)).is_ok()
    }

    fn pull_before(&mut self, deadline: Option<Instant>) -> Result<Option<Decoded>, PipelineError> {
        let mut idle = Idle::default();
        loop {
            if let Some(sample) = self.sink.try_pull_sample(POLL) {
                return decoded(&sample).map(Some);
            }
            // An error comes before the end it causes.
            self.check()?;
            if self.sink.is_eos() || deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return Ok(None);
            }
            if idle.is_final(&self.pipeline) {
                return self.explain_silence().map(|()| None);
            }
        }
    }

    /// What the decoder gives, before mixing and resampling; known once something was pulled.
    pub(crate) fn decoded_info(&self) -> Option<gst_audio::AudioInfo> {
        lock(&self.found).decoded.clone()
    }

    /// Everything stopped, but the sink saw no end.
    fn explain_silence(&self) -> Result<(), PipelineError> {
        if lock(&self.found).linked {
            return Ok(());
        }
        self.early.error(&self.source, SUBJECT).map_or(Ok(()), Err)?;
        let message = "the sound is not where the probe found it";
        Err(PipelineError::input("no_streams", message))
    }

    fn check(&self) -> Result<(), PipelineError> {
        self.source.failure().map_or(Ok(()), Err)?;
        lock(&self.found).problem.take().map_or(Ok(()), Err)?;
        bus::source_error(&self.gst_bus, &self.source, SUBJECT).map_or(Ok(()), Err)
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Any channels: mixing them is ours to do, exactly and anew when they change.
fn caps(rate: u32) -> Result<gst::Caps, PipelineError> {
    let number = |value: u32| {
        i32::try_from(value).map_err(|_| PipelineError::Spec(format!("sound of {value}")))
    };
    Ok(gst::Caps::builder("audio/x-raw")
        .field("format", gst_audio::AUDIO_FORMAT_F32.to_str())
        .field("layout", "interleaved")
        .field("rate", number(rate)?)
        .field("channels", gst::IntRange::new(1, MAX_CHANNELS))
        .build())
}

/// Decodes the soundtrack once the demuxer shows it, and lets everything else pass. The closures
/// hold no pipeline, because it owns them.
fn watch(
    pipeline: &gst::Pipeline,
    demuxer: &gst::Element,
    convert: &gst::Element,
    stream_id: &str,
    (found, early): (&Arc<Mutex<Found>>, &bus::Early),
) {
    let (weak, weak_convert) = (pipeline.downgrade(), convert.downgrade());
    let (wanted, notes, early) = (stream_id.to_owned(), found.clone(), early.clone());
    demuxer.connect_pad_added(move |_, pad| {
        let (Some(pipeline), Some(convert)) = (weak.upgrade(), weak_convert.upgrade()) else {
            return;
        };
        let linked = if pad.stream_id().as_deref() == Some(&wanted) {
            lock(&notes).linked = true;
            early.found();
            decode(&pipeline, pad, &convert, &notes)
        } else {
            discard(pad);
            Ok(())
        };
        if let Err(error) = linked {
            lock(&notes).problem.get_or_insert(error);
        }
    });
}

/// `decodebin` waits for the caps the parser settles on; what the pad may carry before would fit
/// decoders of other codecs.
fn decode(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    convert: &gst::Element,
    found: &Arc<Mutex<Found>>,
) -> Result<(), PipelineError> {
    let decoder = make("decodebin")?;
    let input = convert.static_pad("sink").expect("a converter has one input");
    let notes = found.clone();
    input.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &info.data
            && let gst::EventView::Caps(caps) = event.view()
        {
            lock(&notes).decoded = gst_audio::AudioInfo::from_caps(caps.caps()).ok();
        }
        gst::PadProbeReturn::Ok
    });
    let notes = found.clone();
    decoder.connect_pad_added(move |_, pad| {
        if let Err(error) = pad.link(&input) {
            let problem = PipelineError::Internal(format!("decoded sound: {error}"));
            lock(&notes).problem.get_or_insert(problem);
        }
    });
    pipeline.add(&decoder)?;
    decoder.sync_state_with_parent()?;
    link(pad, &decoder)
}

/// Some demuxers give up when what comes first is linked to nothing.
fn discard(pad: &gst::Pad) {
    let data = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    pad.add_probe(data, |_, _| gst::PadProbeReturn::Drop);
}

fn link(pad: &gst::Pad, element: &gst::Element) -> Result<(), PipelineError> {
    let input = element.static_pad("sink").expect("decoders and sinks have one input");
    pad.link(&input).map_err(|error| PipelineError::Internal(format!("demuxed sound: {error}")))?;
    Ok(())
}

fn decoded(sample: &gst::Sample) -> Result<Decoded, PipelineError> {
    let buffer = sample.buffer().ok_or_else(|| PipelineError::Internal("empty sample".into()))?;
    let segment = sample.segment().and_then(|s| s.downcast_ref::<gst::ClockTime>());
    let time = segment.zip(buffer.pts()).and_then(|(segment, pts)| stream_time(segment, pts));
    let info = sample.caps().and_then(|caps| gst_audio::AudioInfo::from_caps(caps).ok());
    let info = info.ok_or_else(|| PipelineError::Internal("decoded sound without caps".into()))?;
    let map = buffer.map_readable()?;
    let number = |bytes: &[u8]| f32::from_ne_bytes(bytes.try_into().expect("chunks of four"));
    let samples = map.chunks_exact(4).map(number);
    // What a damaged file decodes to may not be a number; encoders stop at that.
    let sound = |s: f32| if s.is_finite() { s.clamp(-LOUDEST, LOUDEST) } else { 0.0 };
    Ok(Decoded { time, info, samples: samples.map(sound).collect() })
}

fn make(factory: &'static str) -> Result<gst::Element, PipelineError> {
    gst::ElementFactory::make(factory).build().map_err(|_| PipelineError::MissingElement(factory))
}

fn lock(found: &Mutex<Found>) -> std::sync::MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}
