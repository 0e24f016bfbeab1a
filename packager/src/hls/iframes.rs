//! Trick play: playlists of key frames alone (RFC 8216 4.3.3.6, 4.3.4.3).

use kinora_media::{Head, Page, Status, Track, TrackId, TrackKind, VideoTrack};

use super::{attributes::Attributes, files::Files, header, is_vod, keys, media};
use crate::{
    PackagerError,
    presentation::{Presentation, Span},
};

/// The file name of a track's I-frame playlist in the track's folder.
pub const I_FRAMES: &str = "iframes.m3u8";

/// The I-frame playlist of a rendition of the picture; `None` if there is no such track, or its
/// key frames were not noted. It lies in the track's folder, so addresses have no folder.
///
/// One key frame a segment: each range reaches from the segment's beginning, with its `moof`, to
/// the end of the key frame it begins with.
///
/// # Errors
/// As [`super::media_playlist`].
pub fn i_frame_playlist(
    head: &Head,
    pages: &[Page],
    track: &TrackId,
) -> Result<Option<String>, PackagerError> {
    write(&Presentation::open(head, pages)?, track)
}

pub(crate) fn write(
    presentation: &Presentation<'_>,
    track: &TrackId,
) -> Result<Option<String>, PackagerError> {
    let Some(track) = presentation.head.track(track) else { return Ok(None) };
    if !matches!(track.kind, TrackKind::Video(_)) {
        return Ok(None);
    }
    let spans = presentation.spans(track)?;
    Ok(is_noted(&spans).then(|| playlist(presentation, track, &spans)))
}

/// Whether trick play is offered: the first segment tells, because it never changes.
fn is_noted(spans: &[Span]) -> bool {
    spans.first().is_some_and(|span| span.key_frame.is_some())
}

fn playlist(presentation: &Presentation<'_>, track: &Track, spans: &[Span]) -> String {
    let head = presentation.head;
    let mut playlist = header();
    media::line(&mut playlist, format_args!("#EXT-X-TARGETDURATION:{}", head.target_duration_s));
    let kind = if is_vod(head) { "VOD" } else { "EVENT" };
    media::line(&mut playlist, format_args!("#EXT-X-MEDIA-SEQUENCE:0"));
    media::line(&mut playlist, format_args!("#EXT-X-PLAYLIST-TYPE:{kind}"));
    playlist.push_str("#EXT-X-I-FRAMES-ONLY\n");
    let files = Files::of(presentation, track, spans, "");
    let key = presentation.delivery.keys.get(&track.id);
    let in_a_folder = presentation.delivery.file(&track.id).is_none();
    let key = key.map(|key| if in_a_folder { keys::below(key) } else { key.clone() });
    for (nth, stretch) in presentation.stretches(track, spans).into_iter().enumerate() {
        if stretch.period > 0 {
            playlist.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let (before, after) = keys::around(key.as_ref(), nth == 0);
        playlist.push_str(before);
        files.map(&mut playlist, stretch.init);
        playlist.push_str(&after);
        for number in stretch.segments {
            media::duration(&mut playlist, media::span_us(track, &spans[number]));
            files.key_frame(&mut playlist, number, key_frame(&spans[number]));
        }
    }
    if head.status == Status::Complete {
        playlist.push_str("#EXT-X-ENDLIST\n");
    }
    playlist
}

/// Where nobody noted it, the whole segment: the key frame is in it.
fn key_frame(span: &Span) -> u64 {
    span.key_frame.unwrap_or(span.size).min(span.size)
}

/// The multivariant playlist's line for a rendition; empty if trick play is not offered.
pub(super) fn stream(
    presentation: &Presentation<'_>,
    track: &Track,
    picture: &VideoTrack,
) -> Result<String, PackagerError> {
    let spans = presentation.spans(track)?;
    if !is_noted(&spans) {
        return Ok(String::new());
    }
    let mut list = Attributes::default();
    list.plain("BANDWIDTH", bandwidth(presentation.head, track, &spans))
        .quoted("CODECS", &track.codec)
        .plain("RESOLUTION", format_args!("{}x{}", picture.width, picture.height))
        .plain("VIDEO-RANGE", presentation.delivery.range(&track.id).as_str())
        .quoted("URI", &presentation.delivery.i_frames(&track.id));
    Ok(list.line("EXT-X-I-FRAME-STREAM-INF"))
}

/// The largest key frame over the time it stands for. What grows promises the rendition's cap,
/// which its key frames alone cannot reach.
fn bandwidth(head: &Head, track: &Track, spans: &[Span]) -> u64 {
    if !is_vod(head) {
        return track.max_bandwidth;
    }
    let rate = |span: &Span| {
        let bits = u128::from(key_frame(span)) * 8 * u128::from(track.timescale);
        u64::try_from(bits.div_ceil(u128::from(span.duration.max(1)))).unwrap_or(u64::MAX)
    };
    spans.iter().map(rate).max().unwrap_or(track.max_bandwidth)
}
