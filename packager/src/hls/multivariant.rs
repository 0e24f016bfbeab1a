//! The multivariant playlist (RFC 8216 4.3.4, where it is called master playlist).
//!
//! Written by hand: m3u8-rs keeps FRAME-RATE as a float and other attributes in a hash map,
//! so equal heads would not give equal bytes.

use std::collections::BTreeSet;

use kinora_media::{FrameRate, Head, Page, Track, VideoTrack};

use super::{
    START,
    attributes::Attributes,
    audio::{self, Group},
    header, iframes, images, independent, is_vod, keys,
    menu::{Menu, yes_no},
};
use crate::{PackagerError, codec::VideoRange, presentation::Presentation, rate::Rate};

const SUBTITLES_GROUP: &str = "subs";

/// The playlist that lists every rendition. `pages` are the closed pages the head names, in
/// order.
///
/// Stereo and 5.1 are a group each, and each rendition of the picture is listed with each, stereo
/// first: players choose by what they can play.
///
/// WebVTT is not in CODECS: its files are no media samples, and some Apple devices refuse variants
/// that name `wvtt`.
///
/// # Errors
/// When the head is a tombstone or of another schema, pages are missing, or a track has no
/// segments yet.
pub fn multivariant(head: &Head, pages: &[Page]) -> Result<String, PackagerError> {
    write(&Presentation::open(head, pages)?)
}

pub(crate) fn write(presentation: &Presentation<'_>) -> Result<String, PackagerError> {
    let mut playlist = header();
    playlist.push_str(independent(presentation));
    if !is_vod(presentation.head) {
        playlist.push_str(START);
    }
    playlist.push_str(&keys::session(presentation.delivery.keys.values()));
    let groups = audio::groups(presentation)?;
    let video = presentation.video();
    let sounds: usize = presentation.audio().len();
    // A single soundtrack without picture is a variant of its own.
    let grouped = sounds > usize::from(video.is_empty());
    if grouped {
        groups.iter().for_each(|group| playlist.push_str(&group.renditions()));
    }
    subtitle_renditions(presentation, &mut playlist);
    let subtitles = !presentation.text_in_hls().is_empty();
    let samples_of_text: BTreeSet<&str> = presentation
        .text_in_hls()
        .into_iter()
        .filter(|(track, _)| presentation.delivery.has_text_samples_in_hls(&track.id))
        .map(|(track, _)| track.codec.as_str())
        .collect();
    let mut list = |track: &Track, picture: Option<&VideoTrack>, group: Option<&Group<'_>>| {
        let rate = match picture {
            Some(_) => Rate::of(presentation, track)?.plus(group.map_or(SILENCE, |g| g.rate)),
            None => group.map_or(SILENCE, |g| g.rate),
        };
        let named = group.filter(|_| grouped);
        let mut codecs: Vec<&str> = picture.iter().map(|_| track.codec.as_str()).collect();
        codecs.extend(group.iter().flat_map(|group| &group.codecs));
        codecs.extend(&samples_of_text);
        let audio = named.map(|g| g.id);
        let range = presentation.delivery.range(&track.id);
        let shown = Shown { track, picture, codecs, rate, range, audio, subtitles };
        playlist.push_str(&variant(&shown));
        Ok::<(), PackagerError>(())
    };
    // Without sound there is no group, but the picture all the same.
    let choices: Vec<_> =
        if groups.is_empty() { vec![None] } else { groups.iter().map(Some).collect() };
    for group in choices {
        for (track, picture) in &video {
            list(track, Some(picture), group)?;
        }
        if video.is_empty() {
            // Checked when it was opened: without video there is audio.
            let track = group.and_then(Group::first);
            list(track.ok_or(PackagerError::NothingPublished { track: None })?, None, group)?;
        }
    }
    for (track, picture) in &video {
        playlist.push_str(&iframes::stream(presentation, track, picture)?);
    }
    playlist.push_str(&images::stream(presentation.head));
    Ok(playlist)
}

/// No sound adds nothing, to what is measured either.
const SILENCE: Rate = Rate { peak: 0, average: Some(0) };

/// A line of the playlist that a player may choose.
struct Shown<'a> {
    track: &'a Track,
    picture: Option<&'a VideoTrack>,
    codecs: Vec<&'a str>,
    rate: Rate,
    range: VideoRange,
    /// The group of its soundtracks.
    audio: Option<&'a str>,
    subtitles: bool,
}

fn variant(shown: &Shown<'_>) -> String {
    let mut list = Attributes::default();
    list.plain("BANDWIDTH", shown.rate.peak);
    if let Some(average) = shown.rate.average {
        list.plain("AVERAGE-BANDWIDTH", average);
    }
    list.quoted("CODECS", &shown.codecs.join(","));
    if let Some(picture) = shown.picture {
        list.plain("RESOLUTION", format_args!("{}x{}", picture.width, picture.height))
            .plain("FRAME-RATE", decimal(picture.frame_rate))
            .plain("VIDEO-RANGE", shown.range.as_str());
    }
    if let Some(audio) = shown.audio {
        list.quoted("AUDIO", audio);
    }
    if shown.subtitles {
        list.quoted("SUBTITLES", SUBTITLES_GROUP);
    }
    list.plain("CLOSED-CAPTIONS", "NONE");
    format!("{}{}.m3u8\n", list.line("EXT-X-STREAM-INF"), shown.track.id)
}

fn subtitle_renditions(presentation: &Presentation<'_>, playlist: &mut String) {
    let mut menu = Menu::default();
    for (track, text) in presentation.text_in_hls() {
        let mut list = Attributes::default();
        list.plain("TYPE", "SUBTITLES").quoted("GROUP-ID", SUBTITLES_GROUP);
        menu.entry(&mut list, &text.language, &text.name);
        list.plain("DEFAULT", "NO");
        list.plain("AUTOSELECT", yes_no(menu.first_in(&text.language)));
        list.plain("FORCED", "NO").quoted("URI", &format!("{}.m3u8", track.id));
        playlist.push_str(&list.line("EXT-X-MEDIA"));
    }
}

/// A frame rate with three decimals, rounded to nearest.
fn decimal(rate: FrameRate) -> String {
    let (num, den) = (u64::from(rate.num.get()), u64::from(rate.den.get()));
    let millis = (num * 2000 + den) / (den * 2);
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_have_three_decimals() {
        let cases = [
            (30, 1, "30.000"),
            (30_000, 1001, "29.970"),
            (24_000, 1001, "23.976"),
            (1999, 2000, "1.000"),
        ];
        for (num, den, text) in cases {
            assert_eq!(decimal(FrameRate::new(num, den).unwrap()), text);
        }
    }
}
