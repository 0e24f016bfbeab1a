//! Reading a source's packets, without decoding them: all of a small one, windows of a large one.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use gst::prelude::*;
use gstreamer as gst;

use super::{
    collect::{Collector, Packet, Stream},
    container,
    crowd::Crowd,
    make,
};
use crate::{
    PipelineError,
    audio::Idle,
    bus::{self, Early},
    source::Source,
};

/// Lengths of the windows of larger ones, nanoseconds: at the start, inside, and at the end.
const START_NS: u64 = 10_000_000_000;
const INSIDE_NS: u64 = 4_000_000_000;
const END_NS: u64 = 5_000_000_000;
/// Where the windows inside begin, in percent of the duration.
const INSIDE_PERCENT: [u64; 3] = [25, 50, 75];
/// How often a wait looks around.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(20);
/// After an error nothing more comes when nothing came for so long.
const SETTLED: gst::ClockTime = gst::ClockTime::from_mseconds(300);

/// A running scan.
pub(super) struct Scan {
    source: Source,
    container: String,
    whole_bytes: u64,
    pipeline: gst::Pipeline,
    gst_bus: gst::Bus,
    early: Early,
    demuxer: gst::Element,
    collector: Collector,
    crowd: Crowd,
    announced_duration: Arc<OnceLock<u64>>,
}

/// What a scan found.
pub(super) struct Scanned {
    pub(super) streams: Vec<Stream>,
    pub(super) whole: bool,
    pub(super) promised_duration_ns: Option<u64>,
    /// The same before anything was read: demuxers correct it when they know better.
    pub(super) announced_duration_ns: Option<u64>,
    /// The table of contents, if the container has one.
    pub(super) toc: Option<gst::Toc>,
    /// Why reading ended early.
    pub(super) damage: Option<String>,
}

/// Why a window ended.
#[derive(PartialEq, Eq)]
enum End {
    Stream,
    Window,
}

impl Scan {
    /// A scan that reads sources of up to `whole_bytes` whole.
    pub(super) fn new(
        source: &Source,
        container: &str,
        whole_bytes: u64,
        max_tracks: u32,
        progress: Arc<AtomicU64>,
    ) -> Result<Self, PipelineError> {
        let pipeline = gst::Pipeline::new();
        let (input, demuxer) = (source.element()?, source.demuxer()?);
        pipeline.add_many([&input, &demuxer])?;
        input.link(&demuxer)?;
        let collector = Collector::new(progress);
        let crowd = Crowd::new(max_tracks);
        crowd.watch(&pipeline);
        let gst_bus = pipeline.bus().expect("a pipeline has a bus");
        let early = Early::watch(&gst_bus);
        let (weak, watcher, any) = (pipeline.downgrade(), collector.clone(), early.clone());
        let announced_duration = Arc::<OnceLock<u64>>::default();
        let announced = Arc::clone(&announced_duration);
        demuxer.connect_pad_added(move |_, pad| {
            any.found();
            if let Some(duration) = pad.query_duration::<gst::ClockTime>() {
                announced.get_or_init(|| duration.nseconds());
            }
            if let Some(pipeline) = weak.upgrade() {
                // A pad that cannot be linked shows nothing; the scan says so by finding nothing.
                let linked = drain(&pipeline, pad, &watcher);
                linked.unwrap_or_else(|error| tracing::warn!(%error, "stream not read"));
            }
        });
        let (source, container) = (source.clone(), container.to_owned());
        Ok(Self {
            source,
            container,
            whole_bytes,
            pipeline,
            gst_bus,
            early,
            demuxer,
            collector,
            crowd,
            announced_duration,
        })
    }

    /// Reads the source: whole if it is small enough or does not say how long it is.
    pub(super) fn read(&self) -> Result<Scanned, PipelineError> {
        let whole = self.source.size() <= self.whole_bytes;
        self.collector.stop_at((!whole).then_some(START_NS as i64));
        let _ = self.pipeline.set_state(gst::State::Playing);
        let (mut whole, mut damage) = (whole, None);
        match self.wait() {
            Ok(End::Stream) => whole = true,
            Ok(End::Window) => whole = self.read_windows()?,
            Err(error) => damage = Some(self.survive(error)?),
        }
        let promised_duration_ns = self.duration();
        self.within_limits()?;
        let streams = self.collector.streams();
        if !streams.iter().any(Stream::has_packets) {
            if let Some(error) = self.early.error(&self.source, "the file") {
                self.survive(error)?;
            }
            return Err(container::nothing_found(&self.source, &self.container));
        }
        let toc = self.collector.toc();
        let announced_duration_ns = self.announced_duration.get().copied();
        Ok(Scanned { streams, whole, promised_duration_ns, announced_duration_ns, toc, damage })
    }

    /// Refuses what no honest film has, while it is read.
    fn within_limits(&self) -> Result<(), PipelineError> {
        self.crowd.check(self.demuxer.num_src_pads())?;
        if self.collector.overflowed() {
            let message = "the file has more pictures than a day of video: too many to encode";
            return Err(PipelineError::input("too_many_frames", message));
        }
        Ok(())
    }

    /// Seeks to `target`, as a decoder would, and gives the first packet of the stream that
    /// arrives; `None` if none does.
    pub(super) fn first_after_seek(
        &self,
        stream_id: &str,
        target: u64,
    ) -> Result<Option<Packet>, PipelineError> {
        self.collector.next_window(None);
        if !self.seek(target) {
            return Ok(None);
        }
        let ends = [gst::MessageType::Eos, gst::MessageType::Error];
        let mut idle = Idle::default();
        loop {
            // The look at the bus comes first: a packet may precede the end it announces.
            let ended = self.gst_bus.timed_pop_filtered(POLL, &ends).is_some();
            let packet = self.collector.entered_at(stream_id);
            if packet.is_some() || ended || idle.is_final(&self.pipeline) {
                return Ok(packet);
            }
            self.source.failure().map_or(Ok(()), Err)?;
        }
    }

    /// Windows inside and at the end; whether it came to reading all instead.
    fn read_windows(&self) -> Result<bool, PipelineError> {
        let Some(duration) = self.duration() else {
            self.collector.next_window(None);
            return self.seek_and_wait(0).map(|_| true);
        };
        for percent in INSIDE_PERCENT {
            let start = duration / 100 * percent;
            self.collector.next_window(i64::try_from(start + INSIDE_NS).ok());
            self.seek_and_wait(start)?;
        }
        self.collector.next_window(None);
        self.seek_and_wait(duration.saturating_sub(END_NS)).map(|_| false)
    }

    fn seek_and_wait(&self, target: u64) -> Result<End, PipelineError> {
        if !self.seek(target) {
            let message = "the file is too large to be read without an index, and has none";
            return Err(PipelineError::input("not_seekable", message));
        }
        self.wait()
    }

    /// Through one pad: the demuxer would seek once for every sink of the pipeline.
    fn seek(&self, target: u64) -> bool {
        let Some(pad) = self.demuxer.src_pads().into_iter().next() else { return false };
        let entered = pad.send_event(gst::event::Seek::new(
            1.0,
            gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE,
            gst::SeekType::Set,
            gst::ClockTime::from_nseconds(target),
            gst::SeekType::None,
            gst::ClockTime::NONE,
        ));
        // A short film has often been read to its end meanwhile: that end is not the one awaited.
        while self.gst_bus.pop_filtered(&[gst::MessageType::Eos]).is_some() {}
        entered
    }

    fn wait(&self) -> Result<End, PipelineError> {
        let mut idle = Idle::default();
        loop {
            if self.collector.is_complete() {
                return Ok(End::Window);
            }
            if let Some(error) = self.source.failure() {
                return Err(error);
            }
            self.within_limits()?;
            let ends = [gst::MessageType::Eos, gst::MessageType::Error];
            match self.gst_bus.timed_pop_filtered(POLL, &ends) {
                Some(message) if message.type_() == gst::MessageType::Eos => {
                    return Ok(End::Stream);
                }
                Some(message) => {
                    // Back, for the one place that reads errors.
                    let _ = self.gst_bus.post(message);
                    let error = bus::source_error(&self.gst_bus, &self.source, "the file");
                    return Err(error.unwrap_or_else(super::stalled));
                }
                None if idle.is_final(&self.pipeline) => return Ok(End::Stream),
                None => {}
            }
        }
    }

    /// An error after media came is damage: what came can be encoded. An error before that is
    /// explained better by the shape of the file.
    fn survive(&self, error: PipelineError) -> Result<String, PipelineError> {
        match error {
            PipelineError::Input { code: "too_many_tracks" | "too_many_frames", .. } => Err(error),
            PipelineError::Input { code, .. } => {
                self.settle();
                if self.collector.streams().iter().any(Stream::has_packets) {
                    return Ok(error.to_string());
                }
                let whole = container::shape(&self.source, &self.container);
                if whole == container::Shape::Whole || code != "decode_error" {
                    return Err(error);
                }
                Err(container::nothing_found(&self.source, &self.container))
            }
            other => Err(other),
        }
    }

    /// Some demuxers complain about one stream and go on with the others: waits until nothing
    /// comes any more.
    fn settle(&self) {
        let mut seen = None;
        loop {
            let now = self.collector.progress.load(Ordering::Relaxed);
            let ends = [gst::MessageType::Eos];
            if seen.replace(now) == Some(now)
                || self.gst_bus.timed_pop_filtered(SETTLED, &ends).is_some()
            {
                return;
            }
        }
    }

    fn duration(&self) -> Option<u64> {
        let pads = self.demuxer.src_pads().into_iter();
        let told = pads.filter_map(|pad| pad.query_duration::<gst::ClockTime>());
        let promised = self.source.movie_header().and_then(|header| header.promised_ns);
        told.map(|told| told.nseconds()).max().or(promised)
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        for element in self.pipeline.iterate_elements().into_iter().flatten() {
            element.set_locked_state(false);
        }
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn drain(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    collector: &Collector,
) -> Result<(), PipelineError> {
    let sink = make("fakesink")?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    sink.set_property("enable-last-sample", false);
    let input = sink.static_pad("sink").expect("a sink has a pad");
    let id = pad.stream_id().map(|id| id.to_string()).unwrap_or_default();
    collector.watch(&input, id);
    pipeline.add(&sink)?;
    // It plays from now on, whatever state the pipeline is passing through: following the
    // pipeline, it could miss the last step, and then it would hold its demuxer for ever.
    sink.set_locked_state(true);
    sink.set_state(gst::State::Playing)
        .map_err(|error| PipelineError::Internal(format!("fakesink: {error}")))?;
    pad.link(&input).map_err(|error| PipelineError::Internal(format!("demuxer: {error}")))?;
    Ok(())
}
