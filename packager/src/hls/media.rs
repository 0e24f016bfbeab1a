//! Media playlists (RFC 8216 4.3.2, 4.3.3): the segments of one track.

use std::fmt::{self, Display, Formatter, Write};

use kinora_media::{Head, Page, Status, Track, TrackId, TrackKind, ticks};

use super::{START, files::Files, header, images, independent, is_vod, keys};
use crate::{
    PackagerError,
    presentation::{Presentation, Span},
};

/// The media playlist of a track, or of the storyboard; `None` if there is no such track. `pages`
/// are the closed pages the head names, in order.
///
/// Segments are shorter than or equal to the head's target duration, rounded to seconds: whoever
/// fixes the target duration at first publish vouches for it.
///
/// # Errors
/// When the head is a tombstone or of another schema, pages are missing, segments do not follow
/// each other, or there are none yet.
pub fn media_playlist(
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
    let head = presentation.head;
    let Some(track) = head.track(track) else {
        return Ok(if track.as_str() == images::NAME { images::playlist(head) } else { None });
    };
    match track.kind {
        TrackKind::Text(_) if presentation.delivery.has_text_samples_in_hls(&track.id) => {
            segments(presentation, track).map(Some)
        }
        TrackKind::Text(_) => {
            let is_listed = presentation.text_in_hls().iter().any(|(it, _)| it.id == track.id);
            Ok(is_listed.then(|| text(presentation, track)))
        }
        TrackKind::Video(_) | TrackKind::Audio(_) => segments(presentation, track).map(Some),
    }
}

fn segments(presentation: &Presentation<'_>, track: &Track) -> Result<String, PackagerError> {
    let head = presentation.head;
    let spans = presentation.spans(track)?;
    let mut playlist = header();
    playlist.reserve(256 + spans.len() * 40);
    line(&mut playlist, format_args!("#EXT-X-TARGETDURATION:{}", head.target_duration_s));
    playlist.push_str("#EXT-X-MEDIA-SEQUENCE:0\n");
    if is_vod(head) {
        playlist.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n");
        playlist.push_str(independent(presentation));
    } else {
        playlist.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n");
        playlist.push_str(independent(presentation));
        playlist.push_str(START);
    }
    let folder = format!("{}/", track.id);
    let files = Files::of(presentation, track, &spans, &folder);
    let key = presentation.delivery.keys.get(&track.id);
    for (nth, stretch) in presentation.stretches(track, &spans).into_iter().enumerate() {
        // Soundtracks say it too, so that discontinuities count alike in every playlist
        // (RFC 8216 6.2.4).
        if stretch.period > 0 {
            playlist.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let (before, after) = keys::around(key, nth == 0);
        playlist.push_str(before);
        files.map(&mut playlist, stretch.init);
        playlist.push_str(&after);
        for number in stretch.segments {
            duration(&mut playlist, span_us(track, &spans[number]));
            files.segment(&mut playlist, number);
        }
    }
    if head.status == Status::Complete {
        playlist.push_str("#EXT-X-ENDLIST\n");
    }
    Ok(playlist)
}

/// The difference of rounded times, so that durations add up to times and never drift.
pub(super) fn duration_us(timescale: u32, start: u64, duration: u64) -> u64 {
    let micros = |time: u64| {
        let time = i64::try_from(time).unwrap_or(i64::MAX);
        ticks::rescale(time, u64::from(timescale), ticks::MICROS).max(0).unsigned_abs()
    };
    micros(start.saturating_add(duration)) - micros(start)
}

/// The same of a segment.
pub(super) fn span_us(track: &Track, span: &Span) -> u64 {
    duration_us(track.timescale, span.start, span.duration)
}

/// Microseconds as a decimal-floating-point number of seconds (RFC 8216 4.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Seconds(pub(super) u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / ticks::MICROS, self.0 % ticks::MICROS)
    }
}

/// A text track is one file, or one a segment; complete from the beginning.
fn text(presentation: &Presentation<'_>, track: &Track) -> String {
    let (end_us, delivery) = (presentation.head.duration_us, presentation.delivery);
    let each_us = delivery.text_segment_us.unwrap_or(end_us).clamp(1, end_us.max(1));
    let mut playlist = header();
    // EXTINF rounded to seconds must not exceed it (4.3.3.1).
    let target = each_us.div_ceil(ticks::MICROS);
    line(&mut playlist, format_args!("#EXT-X-TARGETDURATION:{target}"));
    playlist.push_str("#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n");
    for number in 0..end_us.div_ceil(each_us).max(1) {
        duration(&mut playlist, each_us.min(end_us.saturating_sub(number * each_us)));
        line(&mut playlist, format_args!("{}/{number}.vtt", track.id));
    }
    playlist.push_str("#EXT-X-ENDLIST\n");
    playlist
}

pub(super) fn duration(playlist: &mut String, duration_us: u64) {
    line(playlist, format_args!("#EXTINF:{},", Seconds(duration_us)));
}

pub(super) fn line(playlist: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(playlist, "{text}").expect("a String takes any text");
}
