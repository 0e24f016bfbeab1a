//! What kind of file it is, and what is wrong with one that cannot be read.

use std::sync::mpsc;

use gst::prelude::*;
use gstreamer as gst;

use super::references;
use crate::{
    PipelineError, bus,
    source::{Source, boxes::box_header, demuxer::TRANSPORT_STREAM},
};

/// How long finding the type may take; it reads a few hundred kilobytes.
const TYPE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
/// Boxes at the top of an MP4 that are looked at.
const MAX_BOXES: usize = 4096;
/// Containers whose names do not begin with `video/` or `audio/`.
const CONTAINERS: [&str; 7] = [
    "application/x-3gp",
    "application/ogg",
    "application/mxf",
    "application/vnd.rn-realmedia",
    "application/x-pn-realaudio",
    "application/x-id3",
    "application/x-apetag",
];

/// Lists of other files, and descriptions of streams elsewhere.
const POINTERS: [&str; 7] = [
    "application/x-hls",
    "application/dash+xml",
    "application/vnd.ms-sstr+xml",
    "application/sdp",
    "application/smil",
    "text/uri-list",
    "application/x-wms-redirect",
];

/// The media type of the container.
///
/// # Errors
/// When it is no container of media. Playlists and manifests are none: what they point to is not
/// the uploader's file, and demuxers for them would fetch it.
pub(super) fn identify(source: &Source) -> Result<String, PipelineError> {
    if source.size() == 0 {
        return Err(PipelineError::input("not_media", "the file is empty"));
    }
    if source.transport_packet_bytes().is_some() {
        return Ok(TRANSPORT_STREAM.to_owned());
    }
    let found = find_type(source)?;
    if found.starts_with("image/") {
        let message = format!("the file is a picture ({found}), not a video");
        return Err(PipelineError::input("not_a_video", message));
    }
    let media = found.starts_with("video/") || found.starts_with("audio/");
    if media || CONTAINERS.contains(&found.as_str()) {
        return Ok(found);
    }
    if POINTERS.contains(&found.as_str()) {
        return Err(references::refusal(format!("it is a list of other files ({found})")));
    }
    let message = format!("the file holds {found}, which is neither video nor sound");
    Err(PipelineError::input("not_media", message))
}

fn find_type(source: &Source) -> Result<String, PipelineError> {
    let pipeline = gst::Pipeline::new();
    let input = source.element()?;
    let finder = super::make("typefind")?;
    let sink = super::make("fakesink")?;
    pipeline.add_many([&input, &finder, &sink])?;
    gst::Element::link_many([&input, &finder, &sink])?;
    let (found, answer) = mpsc::channel();
    finder.connect("have-type", false, move |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let name = caps.and_then(|caps| caps.structure(0).map(|s| s.name().to_string()));
        // The receiver is gone once it has one answer.
        let _ = found.send(name.unwrap_or_default());
        None
    });
    let gst_bus = pipeline.bus().expect("a pipeline has a bus");
    let mut since = std::time::Instant::now();
    let _ = pipeline.set_state(gst::State::Paused);
    let result = loop {
        if let Ok(name) = answer.recv_timeout(std::time::Duration::from_millis(20)) {
            break Ok(name);
        }
        if let Some(error) = bus::source_error(&gst_bus, source, "the file") {
            break Err(error);
        }
        if source.is_waiting() {
            since = std::time::Instant::now();
        }
        if since.elapsed() > TYPE_TIMEOUT {
            break Err(super::stalled());
        }
    };
    let _ = pipeline.set_state(gst::State::Null);
    result
}

/// What an MP4's boxes say about why it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing is missing, or it is no MP4.
    Whole,
    /// A box reaches past the end of the file, or the boxes of media are not there.
    CutShort,
    /// There is no `moov` box, so nothing in it can be found.
    NoIndex,
}

/// Walks the boxes at the top of an MP4 (ISO/IEC 14496-12 4.2).
pub(super) fn shape(source: &Source, container: &str) -> Shape {
    if !["video/quicktime", "audio/x-m4a", "application/x-3gp"].contains(&container) {
        return Shape::Whole;
    }
    let (mut offset, mut index, mut media, mut cut) = (0_u64, false, false, false);
    for _ in 0..MAX_BOXES {
        let Ok(header) = source.read(offset, 16) else { break };
        let Some((kind, size)) = box_header(&header, source.size() - offset) else { break };
        index |= &kind == b"moov";
        media |= &kind == b"mdat";
        cut |= size > source.size() - offset;
        offset = offset.saturating_add(size);
        if offset >= source.size() {
            break;
        }
    }
    match (index, cut || !media) {
        (false, _) => Shape::NoIndex,
        (true, true) => Shape::CutShort,
        (true, false) => Shape::Whole,
    }
}

/// The error of a file in which nothing playable was found.
pub(super) fn nothing_found(source: &Source, container: &str) -> PipelineError {
    match shape(source, container) {
        Shape::Whole => PipelineError::input(
            "no_streams",
            "the file holds neither a picture nor sound that can be read",
        ),
        Shape::CutShort => PipelineError::input(
            "truncated",
            "the file is cut short: it ends before its picture and sound begin; upload it again",
        ),
        Shape::NoIndex => PipelineError::input(
            "truncated",
            "the file is incomplete: its index (moov) is missing, as when a recording or an \
             upload was broken off",
        ),
    }
}
