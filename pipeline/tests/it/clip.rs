//! Clips whose frames say which they are.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use kinora_media::FrameRate;
use kinora_pipeline::{
    decode::{Decoding, stream_time},
    source::Source,
};
use kinora_plan::{Orientation, VideoStream};
use tempfile::TempDir;

/// Bars that spell a frame's number, across the top quarter of the picture.
pub(crate) const BITS: usize = 10;

pub(crate) struct Clip {
    pub(crate) path: PathBuf,
    pub(crate) stream: VideoStream,
    pub(crate) frames: u64,
    _folder: TempDir,
}

/// What to generate.
pub(crate) struct Wanted {
    pub(crate) size: (u32, u32),
    pub(crate) rate: (u32, u32),
    pub(crate) frames: u64,
    /// Encoder, its options and the muxer.
    pub(crate) coding: &'static str,
    /// Where a frame lies, if not at its own place on the grid.
    pub(crate) position: fn(u64) -> u64,
    /// Which frames have noise instead of an empty picture below the bars.
    pub(crate) noisy: fn(u64) -> bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            size: (320, 180),
            rate: (30, 1),
            frames: 80,
            coding: "x264enc speed-preset=ultrafast bframes=2 b-adapt=false key-int-max=25 \
                     option-string=scenecut=0 ! mp4mux faststart=true",
            position: |frame| frame,
            noisy: |_| false,
        }
    }
}

pub(crate) fn generate(wanted: &Wanted) -> Clip {
    gst::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    let rate = FrameRate::new(wanted.rate.0, wanted.rate.1).unwrap();
    let pipeline = format!("appsrc name=in format=time ! {} ! filesink name=out", wanted.coding);
    let pipeline = gst::parse::launch(&pipeline).unwrap().downcast::<gst::Pipeline>().unwrap();
    pipeline.by_name("out").unwrap().set_property("location", path.to_str().unwrap());
    let input = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let info = info(wanted);
    input.set_caps(Some(&info.to_caps().unwrap()));
    input.set_property("block", true);
    pipeline.set_state(gst::State::Playing).unwrap();
    for frame in 0..wanted.frames {
        let start = rate.frame_nanos((wanted.position)(frame));
        let end = rate.frame_nanos((wanted.position)(frame + 1));
        let mut buffer = gst::Buffer::from_mut_slice(draw(&info, frame, (wanted.noisy)(frame)));
        let writable = buffer.get_mut().unwrap();
        writable.set_pts(gst::ClockTime::from_nseconds(start));
        writable.set_duration(gst::ClockTime::from_nseconds(end - start));
        input.push_buffer(buffer).unwrap();
    }
    input.end_of_stream().unwrap();
    let bus = pipeline.bus().unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends).unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    pipeline.set_state(gst::State::Null).unwrap();
    let stream = describe(&path, wanted, rate);
    Clip { path, stream, frames: wanted.frames, _folder: folder }
}

/// The number that a decoded frame spells.
pub(crate) fn read_number(luma: &[u8], stride: usize, width: usize, height: usize) -> u64 {
    let row = height / 8;
    (0..BITS)
        .map(|bit| {
            let column = (2 * bit + 1) * width / (2 * BITS);
            u64::from(luma[row * stride + column] > 128) << bit
        })
        .sum()
}

pub(crate) fn info(wanted: &Wanted) -> gst_video::VideoInfo {
    let (width, height) = wanted.size;
    let rate = gst::Fraction::new(wanted.rate.0 as i32, wanted.rate.1 as i32);
    gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height)
        .fps(rate)
        .build()
        .unwrap()
}

pub(crate) fn draw(info: &gst_video::VideoInfo, frame: u64, noisy: bool) -> Vec<u8> {
    let mut bytes = vec![128_u8; info.size()];
    let (width, height) = (info.width() as usize, info.height() as usize);
    let stride = info.stride()[0] as usize;
    let mut noise = frame.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for y in 0..height {
        for x in 0..width {
            bytes[y * stride + x] = if y < height / 4 {
                if frame >> (x * BITS / width) & 1 == 1 { 220 } else { 30 }
            } else if noisy {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                (noise >> 32) as u8
            } else {
                // A slope, brighter to the left and to the top.
                (200 - x * 80 / width - y * 80 / height) as u8
            };
        }
    }
    bytes
}

/// What a probe would say of a clip we made.
fn describe(path: &Path, wanted: &Wanted, rate: FrameRate) -> VideoStream {
    let source = Source::file(path).unwrap();
    let (stream_id, codec) = video_stream(&source);
    let end = (wanted.position)(wanted.frames);
    let first_pts_ns = first_pts(&source, &stream_id);
    VideoStream {
        stream_id,
        codec,
        width: wanted.size.0,
        height: wanted.size.1,
        pixel_aspect: (1, 1),
        orientation: Orientation::Rotate0,
        frame_rate: rate,
        variable_rate: end != wanted.frames,
        interlaced: wanted.coding.contains("interlaced=true"),
        colorimetry: None,
        hdr: false,
        peak_nits: None,
        bit_depth: 8,
        first_pts_ns,
        end_pts_ns: first_pts_ns + rate.frame_nanos(end),
        frames: wanted.frames,
        key_frames_ns: vec![],
        coded: None,
    }
}

fn first_pts(source: &Source, stream_id: &str) -> u64 {
    let mut decoding = Decoding::open(source, stream_id, None, 1).unwrap();
    let sample = decoding.pull().unwrap().unwrap();
    let segment = sample.segment().unwrap().downcast_ref::<gst::ClockTime>().unwrap();
    let pts = sample.buffer().unwrap().pts().unwrap();
    stream_time(segment, pts).unwrap().try_into().unwrap()
}

fn video_stream(source: &Source) -> (String, String) {
    let pipeline = gst::Pipeline::new();
    let (input, demuxer) = (source.element().unwrap(), make("parsebin"));
    pipeline.add_many([&input, &demuxer]).unwrap();
    input.link(&demuxer).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let weak = pipeline.downgrade();
    demuxer.connect_pad_added(move |_, pad| {
        let sink = make("fakesink");
        weak.upgrade().unwrap().add(&sink).unwrap();
        sink.sync_state_with_parent().unwrap();
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let codec = caps.structure(0).unwrap().name().to_string();
        let _ = sender.send((pad.stream_id().unwrap().to_string(), codec));
        pad.link(&sink.static_pad("sink").unwrap()).unwrap();
    });
    pipeline.set_state(gst::State::Paused).unwrap();
    let found = receiver.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    found
}

pub(crate) fn make(name: &str) -> gst::Element {
    gst::ElementFactory::make(name).build().unwrap()
}
