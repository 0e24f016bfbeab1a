//! The picture: the first stream that decodes.

use std::{
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use gst_video::VideoColorimetry;
use gstreamer as gst;
use gstreamer_pbutils as gst_pbutils;
use gstreamer_video as gst_video;
use kinora_media::FrameRate;
use kinora_plan::{Orientation, VideoStream, encoder::ProbeSpec};

use super::{
    coded,
    collect::{Packet, Stream},
    light::peak_nits,
    scan::Scanned,
    timing::{self, Timing},
};
use crate::{
    PipelineError,
    chunk::colour,
    decode::{Decoding, stream_time},
    source::Source,
};

/// Frames of a second that may be too many: times are rounded.
const SPARE_FRAMES: usize = 2;
const SECOND_NS: i64 = 1_000_000_000;

/// The first stream of pictures that has packets and decodes; `None` if there are no moving
/// pictures.
///
/// # Errors
/// When there are, but none decodes, or the first is larger than allowed.
pub(super) fn examine(
    spec: &ProbeSpec,
    source: &Source,
    scanned: &Scanned,
    progress: &AtomicU64,
) -> Result<Option<VideoStream>, PipelineError> {
    let mut why = None;
    for stream in scanned.streams.iter().filter(|stream| is_moving(stream)) {
        check_size(spec, stream)?;
        match first_frame(source, stream, progress) {
            Ok(first) => {
                let (width, height) = (first.info.width(), first.info.height());
                if width.max(height) > spec.max_side {
                    return Err(too_large(width, height, spec.max_side));
                }
                let mut video = describe(stream, scanned.whole, &first);
                check_rate(spec, stream)?;
                video.coded =
                    Some(coded::judge(stream.coded.as_ref(), scanned, &video, &first.info));
                return Ok(Some(video));
            }
            Err(error @ PipelineError::Input { .. }) => {
                why.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match (why, &scanned.damage) {
        // What the demuxer complained about is why nothing could be decoded.
        (Some(_), Some(damage)) => Err(PipelineError::input("decode_error", damage)),
        (Some(why), None) => Err(why),
        (None, _) => Ok(None),
    }
}

/// What the decoder said about the first frame.
struct FirstFrame {
    caps: gst::Caps,
    info: gst_video::VideoInfo,
    /// Stream time, nanoseconds.
    time: Option<i64>,
}

/// Cover art comes as a stream of one picture.
fn is_moving(stream: &Stream) -> bool {
    let codec = stream.codec();
    let many = stream.untimed + stream.packets().take(2).count() as u64 > 1;
    stream.has_packets() && (codec.starts_with("video/") || (codec.starts_with("image/") && many))
}

/// From the header, before anything of that size is allocated.
fn check_size(spec: &ProbeSpec, stream: &Stream) -> Result<(), PipelineError> {
    let side = |name| {
        let structure = stream.caps.as_ref().and_then(|caps| caps.structure(0));
        structure.and_then(|s| s.get::<i32>(name).ok()).and_then(|side| u32::try_from(side).ok())
    };
    let (width, height) = (side("width").unwrap_or(0), side("height").unwrap_or(0));
    if width.max(height) > spec.max_side {
        return Err(too_large(width, height, spec.max_side));
    }
    Ok(())
}

/// By what was read, whatever the container claims: the second with the most pictures.
fn check_rate(spec: &ProbeSpec, stream: &Stream) -> Result<(), PipelineError> {
    let busiest = stream.windows.iter().map(|window| busiest_second(window)).max().unwrap_or(0);
    // A little to spare for times that are rounded.
    if busiest > spec.max_frame_rate as usize + SPARE_FRAMES {
        let most = spec.max_frame_rate;
        let message =
            format!("the picture has {busiest} frames in a second; at most {most} are allowed");
        return Err(PipelineError::input("frame_rate_too_high", message));
    }
    Ok(())
}

fn busiest_second(window: &[Packet]) -> usize {
    let mut times: Vec<i64> = window.iter().map(|packet| packet.time).collect();
    times.sort_unstable();
    let mut first = 0;
    let within = times.iter().enumerate().map(|(last, time)| {
        while time.saturating_sub(times[first]) >= SECOND_NS {
            first += 1;
        }
        last + 1 - first
    });
    within.max().unwrap_or(0)
}

fn too_large(width: u32, height: u32, max_side: u32) -> PipelineError {
    let message =
        format!("the picture is {width}×{height} pixels; at most {max_side} a side are allowed");
    PipelineError::input("too_large", message)
}

fn first_frame(
    source: &Source,
    stream: &Stream,
    progress: &AtomicU64,
) -> Result<FirstFrame, PipelineError> {
    let named = |error| match error {
        PipelineError::Input { code: "unsupported_codec", .. } => {
            let name = codec_name(stream);
            PipelineError::input(
                "unsupported_codec",
                format!("the picture is coded as {name}, which this installation cannot decode"),
            )
        }
        // It was read a moment ago: the demuxer gave up on it this time.
        PipelineError::Input { code: "no_streams", .. } => PipelineError::input(
            "decode_error",
            "the file is damaged: its picture is there but cannot be read reliably",
        ),
        other => other,
    };
    let mut decoding = Decoding::open(source, &stream.id, None, 1).map_err(named)?;
    let sample = decoding.pull().map_err(named)?.ok_or_else(|| {
        PipelineError::input("decode_error", "no frame of the picture could be decoded")
    })?;
    progress.fetch_add(1, Ordering::Relaxed);
    let caps = sample.caps_owned();
    let info = caps.as_ref().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
    let (caps, info) = caps
        .zip(info)
        .ok_or_else(|| PipelineError::Internal("decoded caps of no picture".into()))?;
    let segment = sample.segment().and_then(|s| s.downcast_ref::<gst::ClockTime>());
    let pts = sample.buffer().and_then(|buffer| buffer.pts());
    let time = segment.zip(pts).and_then(|(segment, pts)| stream_time(segment, pts));
    Ok(FirstFrame { caps, info, time })
}

fn describe(stream: &Stream, whole: bool, first: &FirstFrame) -> VideoStream {
    let info = &first.info;
    let earliest = stream.packets().map(|packet| packet.time).min();
    let decoded_first = first.time.or(earliest).unwrap_or(0);
    let Timing { measured, first_pts_ns, end_pts_ns, frames, key_frames_ns } =
        timing::measure(stream, whole, claimed_rate(stream, info), decoded_first);
    let colorimetry = colorimetry(stream, info);
    VideoStream {
        stream_id: stream.id.clone(),
        codec: stream.codec().to_owned(),
        width: info.width(),
        height: info.height(),
        pixel_aspect: pixel_aspect(info),
        orientation: orientation(&stream.tags),
        frame_rate: measured.rate,
        variable_rate: measured.variable,
        interlaced: info.interlace_mode() != gst_video::VideoInterlaceMode::Progressive,
        hdr: colorimetry.as_deref().is_some_and(is_hdr),
        peak_nits: peak_nits(colorimetry.as_deref(), [stream.caps.as_ref(), Some(&first.caps)]),
        colorimetry,
        bit_depth: bit_depth(info),
        first_pts_ns,
        end_pts_ns,
        frames,
        key_frames_ns,
        coded: None,
    }
}

fn claimed_rate(stream: &Stream, info: &gst_video::VideoInfo) -> Option<FrameRate> {
    let structure = stream.caps.as_ref().and_then(|caps| caps.structure(0));
    let of_caps = structure.and_then(|s| s.get::<gst::Fraction>("framerate").ok());
    let usable = |rate: gst::Fraction| {
        FrameRate::new(rate.numer().try_into().ok()?, rate.denom().try_into().ok()?)
    };
    of_caps.and_then(usable).or_else(|| usable(info.fps()))
}

fn pixel_aspect(info: &gst_video::VideoInfo) -> (u32, u32) {
    let par = info.par();
    match (u32::try_from(par.numer()), u32::try_from(par.denom())) {
        (Ok(num), Ok(den)) if num > 0 && den > 0 => (num, den),
        _ => (1, 1),
    }
}

fn bit_depth(info: &gst_video::VideoInfo) -> u8 {
    let depth = info.format_info().depth().iter().copied().max().unwrap_or(8);
    u8::try_from(depth).unwrap_or(8)
}

/// What the stream says of its colours; decoders make up what it does not say, so of theirs only
/// HDR counts.
fn colorimetry(stream: &Stream, info: &gst_video::VideoInfo) -> Option<String> {
    let structure = stream.caps.as_ref().and_then(|caps| caps.structure(0));
    let tagged = structure.and_then(|s| s.get::<String>("colorimetry").ok());
    tagged.or_else(|| Some(info.colorimetry().to_string()).filter(|decoded| is_hdr(decoded)))
}

fn is_hdr(colorimetry: &str) -> bool {
    VideoColorimetry::from_str(colorimetry).is_ok_and(|known| colour::is_hdr(&known))
}

fn orientation(tags: &gst::TagListRef) -> Orientation {
    match tags.get::<gst::tags::ImageOrientation>().as_ref().map(|value| value.get()) {
        Some("rotate-90") => Orientation::Rotate90,
        Some("rotate-180") => Orientation::Rotate180,
        Some("rotate-270") => Orientation::Rotate270,
        Some("flip-rotate-0") => Orientation::FlipRotate0,
        Some("flip-rotate-90") => Orientation::FlipRotate90,
        Some("flip-rotate-180") => Orientation::FlipRotate180,
        Some("flip-rotate-270") => Orientation::FlipRotate270,
        _ => Orientation::Rotate0,
    }
}

/// What people call a codec: `H.264 (High Profile)`.
pub(super) fn codec_name(stream: &Stream) -> String {
    let described = stream.caps.as_ref().filter(|caps| caps.is_fixed());
    match described {
        Some(caps) => gst_pbutils::functions::pb_utils_get_codec_description(caps).to_string(),
        None => stream.codec().to_owned(),
    }
}
