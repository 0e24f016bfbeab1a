//! Subtitles inside the source: listed, not read.

use gstreamer as gst;
use kinora_plan::{SubtitleStream, captions};

use super::collect::Stream;
use crate::captions::Captions;

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

/// Every stream of subtitles, in container order, and the captions inside others.
pub(super) fn list(streams: &[Stream]) -> Vec<SubtitleStream> {
    streams.iter().flat_map(of).take(MAX_STREAMS).collect()
}

fn of(stream: &Stream) -> Vec<SubtitleStream> {
    if let Some(captions) = &stream.captions {
        return inside(stream, captions);
    }
    let is_subtitle = TYPES.iter().any(|kind| stream.codec().starts_with(kind));
    let described = is_subtitle.then(|| SubtitleStream {
        stream_id: stream.id.clone(),
        codec: stream.codec().to_owned(),
        language: language(stream),
        title: stream.tags.get::<gst::tags::Title>().map(|value| value.get().to_owned()),
    });
    described.into_iter().collect()
}

/// The channels that showed something; CEA-708 where nothing else did: it mostly says the same.
fn inside(stream: &Stream, captions: &Captions) -> Vec<SubtitleStream> {
    // A picture's language is not that of its captions.
    let is_track = stream.codec().starts_with("closedcaption/");
    let found = |codec: &str, stream_id: String, title: Option<String>| SubtitleStream {
        stream_id,
        codec: codec.to_owned(),
        language: language(stream).filter(|_| is_track),
        title,
    };
    let shown = captions.clone().finish();
    let spoken = shown.iter().enumerate().filter(|(_, channel)| !channel.captions.is_empty());
    let mut list: Vec<_> = spoken
        .map(|(channel, _)| {
            let id = captions::stream_id(&stream.id, channel);
            found("closedcaption/x-cea-608", id, Some(captions::channel_name(channel)))
        })
        .collect();
    if list.is_empty() && captions.digital() {
        list.push(found("closedcaption/x-cea-708", stream.id.clone(), None));
    }
    list
}

fn language(stream: &Stream) -> Option<String> {
    stream.tags.get::<gst::tags::LanguageCode>().map(|value| value.get().to_owned())
}
