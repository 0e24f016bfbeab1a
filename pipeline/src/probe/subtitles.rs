//! Subtitles inside the source: listed, not read.

use gstreamer as gst;
use kinora_plan::SubtitleStream;

use super::collect::Stream;

/// Media types of subtitles, or how they begin.
const TYPES: [&str; 6] = [
    "text/",
    "subpicture/",
    "closedcaption/",
    "application/x-ssa",
    "application/x-ass",
    "application/x-subtitle",
];
/// Listed at most.
const MAX_STREAMS: usize = 64;

/// Every stream of subtitles, in container order.
pub(super) fn list(streams: &[Stream]) -> Vec<SubtitleStream> {
    let is_subtitle = |stream: &&Stream| TYPES.iter().any(|kind| stream.codec().starts_with(kind));
    let describe = |stream: &Stream| SubtitleStream {
        stream_id: stream.id.clone(),
        codec: stream.codec().to_owned(),
        language: stream.tags.get::<gst::tags::LanguageCode>().map(|value| value.get().to_owned()),
        title: stream.tags.get::<gst::tags::Title>().map(|value| value.get().to_owned()),
    };
    streams.iter().filter(is_subtitle).take(MAX_STREAMS).map(describe).collect()
}
