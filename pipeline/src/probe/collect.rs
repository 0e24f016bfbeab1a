//! What passes by on one demuxed and parsed stream.

use std::{
    hash::{DefaultHasher, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use gst::prelude::*;
use gstreamer as gst;
use kinora_plan::Unfit;

use super::coded::CodedScan;
use crate::{
    captions::{Captions, Pairs},
    decode::stream_time,
    source::avi,
};

/// Packets that are remembered, of all streams: a day at 90 pictures a second.
const MAX_PACKETS: usize = 8_000_000;
/// Bytes at the end of a key frame that tell it from others: of a large one, and of a small one,
/// in which more might reach into parameter sets in front of the picture.
const FINGERPRINT_BYTES: (usize, usize) = (4096, 64);
/// How far sound may run ahead of the picture in a file, nanoseconds.
const SOUND_AHEAD_NS: i64 = 10_000_000_000;

/// One packet, placed where a decoder would show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet {
    /// Stream time, nanoseconds.
    pub(super) time: i64,
    /// Nanoseconds; 0 if unknown.
    pub(super) duration: u64,
    /// The content, for key frames.
    pub(super) key: Option<u64>,
}

/// One stream.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) id: String,
    pub(super) caps: Option<gst::Caps>,
    /// Of the stream itself, not of the file.
    pub(super) tags: gst::TagList,
    /// By window, in the order they were read; times not in order.
    pub(super) windows: Vec<Vec<Packet>>,
    /// Whether the container wants it to play when nobody has chosen.
    pub(super) default: bool,
    /// Packets without any time.
    pub(super) untimed: u64,
    /// There are B-frames in MPEG-4.
    pub(super) b_frames: bool,
    /// Packets and bytes that came, whether or not they are shown.
    read: (u64, u64),
    /// The captions in it, if there were any.
    pub(super) captions: Option<Box<Captions>>,
    /// Its coded pictures, where they may be handed on as they are.
    pub(super) coded: Option<CodedScan>,
    /// The first packet since the last flush, even if decoders would not show it.
    entered_at: Option<Packet>,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
}

impl Stream {
    fn new(id: String) -> Self {
        Self {
            id,
            caps: None,
            tags: gst::TagList::new(),
            windows: vec![Vec::new()],
            default: false,
            untimed: 0,
            b_frames: false,
            read: (0, 0),
            captions: None,
            coded: None,
            entered_at: None,
            segment: None,
        }
    }

    /// The media type: `video/x-h264`.
    pub(super) fn codec(&self) -> &str {
        let structure = self.caps.as_ref().and_then(|caps| caps.structure(0));
        structure.map_or("", |structure| structure.name().as_str())
    }

    /// Every packet of every window.
    pub(super) fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.windows.iter().flatten()
    }

    /// Whether anything came.
    pub(super) fn has_packets(&self) -> bool {
        self.untimed > 0 || self.packets().next().is_some()
    }

    /// Packets and bytes that came.
    pub(super) fn read(&self) -> (u64, u64) {
        self.read
    }

    fn event(&mut self, event: &gst::EventRef) {
        match event.view() {
            gst::EventView::Caps(caps) => {
                let caps = caps.caps_owned();
                match &mut self.coded {
                    Some(coded) => coded.caps(&caps),
                    None => self.coded = CodedScan::new(&caps),
                }
                self.caps = Some(caps);
            }
            gst::EventView::Segment(segment) => {
                self.segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
            }
            gst::EventView::StreamStart(start) => {
                self.default = start.stream_flags().contains(gst::StreamFlags::SELECT);
            }
            gst::EventView::Tag(tag) if tag.tag().scope() == gst::TagScope::Stream => {
                self.tags.make_mut().insert(tag.tag(), gst::TagMergeMode::Replace);
            }
            _ => {}
        }
    }

    fn packet(&mut self, buffer: &gst::BufferRef) {
        self.read.0 += 1;
        self.read.1 += buffer.size() as u64;
        if buffer.flags().contains(gst::BufferFlags::DECODE_ONLY) {
            return self.not_as_it_is(Unfit::EditList);
        }
        let Some(pts) = buffer.pts().or(buffer.dts()) else {
            // Headers of Ogg streams have no time either, and show nothing.
            if !buffer.flags().contains(gst::BufferFlags::HEADER) {
                self.untimed += 1;
            }
            return self.not_as_it_is(Unfit::Gaps);
        };
        let mpeg4 = ["video/mpeg", "video/x-divx"].contains(&self.codec());
        self.b_frames |= mpeg4 && avi::is_b_frame(buffer);
        let Some(segment) = &self.segment else { return };
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let key = key.then(|| fingerprint(buffer));
        let length = buffer.duration().unwrap_or(gst::ClockTime::ZERO);
        if self.entered_at.is_none() {
            let duration = length.nseconds();
            self.entered_at = stream_time(segment, pts).map(|time| Packet { time, duration, key });
        }
        // Decoders drop what an edit list leaves out, and cut what it cuts.
        let Some((Some(start), Some(stop))) = segment.clip(pts, pts + length) else {
            return self.not_as_it_is(Unfit::EditList);
        };
        let Some(time) = stream_time(segment, start) else { return };
        if let Some(coded) = &mut self.coded {
            if start == pts { coded.picture(time, buffer) } else { coded.rule_out(Unfit::EditList) }
        }
        self.listen(time, buffer);
        let window = self.windows.last_mut().expect("there is one from the beginning");
        window.push(Packet { time, duration: stop.saturating_sub(start).nseconds(), key });
    }

    fn listen(&mut self, time: i64, buffer: &gst::BufferRef) {
        let Some(caps) = &self.caps else { return };
        if let Some(pairs) = Pairs::of(buffer, caps) {
            self.captions.get_or_insert_default().see(time, pairs);
        }
    }

    fn not_as_it_is(&mut self, reason: Unfit) {
        if let Some(coded) = &mut self.coded {
            coded.rule_out(reason);
        }
    }

    /// Whether a window that ends at `until` is complete once this stream has come so far.
    /// Sound often runs ahead of the picture it belongs to.
    fn is_past(&self, until: i64) -> bool {
        let newest = self.windows.last().and_then(|window| window.last());
        let slack = if self.codec().starts_with("video/") { 0 } else { SOUND_AHEAD_NS };
        newest.is_some_and(|packet| packet.time > until.saturating_add(slack))
    }
}

/// Everything that passes by, and where to stop.
#[derive(Clone, Default)]
pub(super) struct Collector {
    shared: Arc<Mutex<Shared>>,
    /// Counts packets, for whoever watches that there is progress.
    pub(super) progress: Arc<AtomicU64>,
}

#[derive(Default)]
struct Shared {
    streams: Vec<Stream>,
    /// Packets that are remembered.
    count: usize,
    /// The table of contents, as the demuxer says it first.
    toc: Option<gst::Toc>,
    /// The window ends at this stream time.
    until: Option<i64>,
    /// Between windows nothing counts.
    idle: bool,
    /// Everything after this position of the pads' flushes belongs to the next window.
    flushed: bool,
}

impl Collector {
    pub(super) fn new(progress: Arc<AtomicU64>) -> Self {
        Self { shared: Arc::default(), progress }
    }

    /// Collects what arrives at `sink_pad` as the stream of this id.
    pub(super) fn watch(&self, sink_pad: &gst::Pad, id: String) {
        let index = {
            let mut shared = self.lock();
            shared.streams.push(Stream::new(id));
            shared.streams.len() - 1
        };
        let collector = self.clone();
        let kinds = gst::PadProbeType::BUFFER
            | gst::PadProbeType::BUFFER_LIST
            | gst::PadProbeType::EVENT_DOWNSTREAM
            | gst::PadProbeType::EVENT_FLUSH;
        sink_pad.add_probe(kinds, move |_, info| {
            collector.see(index, info);
            gst::PadProbeReturn::Ok
        });
    }

    /// Everything seen so far, in container order.
    pub(super) fn streams(&self) -> Vec<Stream> {
        let mut streams = self.lock().streams.clone();
        streams.sort_by(|a, b| a.id.cmp(&b.id));
        streams
    }

    /// The table of contents, if the container has one.
    pub(super) fn toc(&self) -> Option<gst::Toc> {
        self.lock().toc.clone()
    }

    /// The first packet of this stream since the last flush.
    pub(super) fn entered_at(&self, stream_id: &str) -> Option<Packet> {
        let shared = self.lock();
        let stream = shared.streams.iter().find(|stream| stream.id == stream_id);
        stream.filter(|_| shared.flushed).and_then(|stream| stream.entered_at)
    }

    /// Ends the current window at this stream time.
    pub(super) fn stop_at(&self, until: Option<i64>) {
        self.lock().until = until;
    }

    /// Whether there were more packets than are remembered.
    pub(super) fn overflowed(&self) -> bool {
        self.lock().count >= MAX_PACKETS
    }

    /// Whether the current window is complete.
    pub(super) fn is_complete(&self) -> bool {
        self.lock().idle
    }

    /// A new window begins with the next flush.
    pub(super) fn next_window(&self, until: Option<i64>) {
        let mut shared = self.lock();
        shared.until = until;
        shared.idle = true;
        shared.flushed = false;
    }

    fn see(&self, index: usize, info: &gst::PadProbeInfo<'_>) {
        let mut shared = self.lock();
        match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                self.progress.fetch_add(1, Ordering::Relaxed);
                shared.packet(index, buffer);
            }
            Some(gst::PadProbeData::BufferList(list)) => {
                self.progress.fetch_add(1, Ordering::Relaxed);
                list.iter().for_each(|buffer| shared.packet(index, buffer));
            }
            Some(gst::PadProbeData::Event(event)) => {
                if event.type_() == gst::EventType::FlushStop {
                    shared.begin_window();
                }
                if let gst::EventView::Toc(toc) = event.view() {
                    shared.toc.get_or_insert_with(|| toc.toc().0.to_owned());
                }
                shared.streams[index].event(event);
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn packet(&mut self, index: usize, buffer: &gst::BufferRef) {
        if self.idle {
            return;
        }
        if self.count >= MAX_PACKETS {
            return;
        }
        self.count += 1;
        let stream = &mut self.streams[index];
        stream.packet(buffer);
        if self.until.is_some_and(|until| stream.is_past(until)) {
            self.idle = true;
        }
    }

    /// All pads flush; the first one opens the window.
    fn begin_window(&mut self) {
        if !self.flushed {
            self.flushed = true;
            self.idle = false;
            for stream in &mut self.streams {
                stream.windows.push(Vec::new());
                stream.coded.iter_mut().for_each(CodedScan::restart);
                stream.captions.iter_mut().for_each(|captions| captions.restart());
                stream.entered_at = None;
            }
        }
    }
}

fn fingerprint(buffer: &gst::BufferRef) -> u64 {
    let mut hasher = DefaultHasher::new();
    // The end: parsers put parameter sets in front of the first picture after a seek.
    if let Ok(map) = buffer.map_readable() {
        let (large, small) = FINGERPRINT_BYTES;
        let length = if map.len() > 2 * large { large } else { small };
        hasher.write(&map[map.len().saturating_sub(length)..]);
    }
    hasher.finish()
}
