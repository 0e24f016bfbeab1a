//! The multivariant playlist (RFC 8216 4.3.4, where it is called master playlist).
//!
//! Written by hand: m3u8-rs keeps FRAME-RATE as a float and other attributes in a hash map,
//! so equal heads would not give equal bytes.

use std::collections::BTreeSet;

use kinora_media::{AudioTrack, FrameRate, Head, Page, Track, VideoTrack};

use super::{START, attributes::Attributes, header, is_vod};
use crate::{PackagerError, presentation::Presentation, rate::Rate};

const AUDIO_GROUP: &str = "audio";
const SUBTITLES_GROUP: &str = "subs";

/// The playlist that lists every rendition. `pages` are the closed pages the head names, in
/// order.
///
/// Text tracks are not in CODECS: WebVTT files are no media samples, and some Apple devices
/// refuse variants that name `wvtt`.
///
/// # Errors
/// When the head is a tombstone or of another schema, pages are missing, or a track has no
/// segments yet.
pub fn multivariant(head: &Head, pages: &[Page]) -> Result<String, PackagerError> {
    let presentation = Presentation::open(head, pages)?;
    let mut playlist = header();
    playlist.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    if !is_vod(head) {
        playlist.push_str(START);
    }
    let groups = Groups::of(&presentation)?;
    if groups.audio {
        audio_renditions(&presentation, &mut playlist);
    }
    subtitle_renditions(&presentation, &mut playlist);
    let video = presentation.video();
    for (track, picture) in &video {
        let rate = Rate::of(&presentation, track)?.plus(groups.audio_rate);
        playlist.push_str(&variant(track, Some(picture), rate, &groups));
    }
    if video.is_empty() {
        // Checked when it was opened: without video there is audio.
        let track = presentation.default_audio();
        let track = track.ok_or(PackagerError::NothingPublished { track: None })?;
        playlist.push_str(&variant(track, None, groups.audio_rate, &groups));
    }
    Ok(playlist)
}

/// What every variant refers to.
struct Groups {
    /// Whether soundtracks form a group.
    audio: bool,
    /// The heaviest soundtrack.
    audio_rate: Rate,
    /// Every codec of the soundtracks.
    audio_codecs: BTreeSet<String>,
    /// Whether there is text.
    subtitles: bool,
}

impl Groups {
    fn of(presentation: &Presentation<'_>) -> Result<Self, PackagerError> {
        let audio = presentation.audio();
        let mut audio_rate: Option<Rate> = None;
        for (track, _) in &audio {
            let rate = Rate::of(presentation, track)?;
            audio_rate = Some(audio_rate.map_or(rate, |heaviest| heaviest.or_heavier(rate)));
        }
        // No sound adds nothing, to what is measured either.
        let silence = Rate { peak: 0, average: Some(0) };
        Ok(Self {
            // A single soundtrack without picture is a variant of its own.
            audio: audio.len() > usize::from(presentation.video().is_empty()),
            audio_rate: audio_rate.unwrap_or(silence),
            audio_codecs: audio.iter().map(|(track, _)| track.codec.clone()).collect(),
            subtitles: !presentation.text().is_empty(),
        })
    }
}

fn variant(track: &Track, picture: Option<&VideoTrack>, rate: Rate, groups: &Groups) -> String {
    let mut codecs: Vec<&str> = picture.iter().map(|_| track.codec.as_str()).collect();
    codecs.extend(groups.audio_codecs.iter().map(String::as_str));
    let mut list = Attributes::default();
    list.plain("BANDWIDTH", rate.peak);
    if let Some(average) = rate.average {
        list.plain("AVERAGE-BANDWIDTH", average);
    }
    list.quoted("CODECS", &codecs.join(","));
    if let Some(picture) = picture {
        list.plain("RESOLUTION", format_args!("{}x{}", picture.width, picture.height))
            .plain("FRAME-RATE", decimal(picture.frame_rate))
            .plain("VIDEO-RANGE", "SDR");
    }
    if groups.audio {
        list.quoted("AUDIO", AUDIO_GROUP);
    }
    if groups.subtitles {
        list.quoted("SUBTITLES", SUBTITLES_GROUP);
    }
    list.plain("CLOSED-CAPTIONS", "NONE");
    format!("{}{}.m3u8\n", list.line("EXT-X-STREAM-INF"), track.id)
}

fn audio_renditions(presentation: &Presentation<'_>, playlist: &mut String) {
    let default = presentation.default_audio().map(|track| &track.id);
    let mut menu = Menu::default();
    // Default first, so that of two soundtracks in its language it is the one chosen by language.
    let audio = presentation.audio();
    let (first, others): (Vec<_>, Vec<_>) =
        audio.into_iter().partition(|(track, _)| Some(&track.id) == default);
    for (track, audio) in first.into_iter().chain(others) {
        let AudioTrack { language, name, channels, .. } = audio;
        let mut list = Attributes::default();
        list.plain("TYPE", "AUDIO").quoted("GROUP-ID", AUDIO_GROUP);
        menu.entry(&mut list, language, name);
        list.plain("DEFAULT", yes_no(Some(&track.id) == default));
        list.plain("AUTOSELECT", yes_no(menu.first_in(language)));
        list.quoted("CHANNELS", &channels.to_string());
        list.quoted("URI", &format!("{}.m3u8", track.id));
        playlist.push_str(&list.line("EXT-X-MEDIA"));
    }
}

fn subtitle_renditions(presentation: &Presentation<'_>, playlist: &mut String) {
    let mut menu = Menu::default();
    for (track, text) in presentation.text() {
        let mut list = Attributes::default();
        list.plain("TYPE", "SUBTITLES").quoted("GROUP-ID", SUBTITLES_GROUP);
        menu.entry(&mut list, &text.language, &text.name);
        list.plain("DEFAULT", "NO");
        list.plain("AUTOSELECT", yes_no(menu.first_in(&text.language)));
        list.plain("FORCED", "NO").quoted("URI", &format!("{}.m3u8", track.id));
        playlist.push_str(&list.line("EXT-X-MEDIA"));
    }
}

/// Keeps a group to its rules (4.3.4.1.1): every NAME once, and of each language only one that
/// may be selected without the viewer's doing.
#[derive(Default)]
struct Menu {
    names: BTreeSet<String>,
    languages: BTreeSet<String>,
}

impl Menu {
    fn entry(&mut self, list: &mut Attributes, language: &str, name: &str) {
        let wanted = if name.is_empty() { language } else { name };
        let numbered = (2..).map(|n| format!("{wanted} ({n})"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = names.find(|name| self.names.insert(name.clone()));
        list.quoted("NAME", &name.unwrap_or_default());
        if language != "und" {
            list.quoted("LANGUAGE", language);
        }
    }

    fn first_in(&mut self, language: &str) -> bool {
        self.languages.insert(language.to_owned())
    }
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
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
