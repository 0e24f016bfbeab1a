//! Subtitles as demuxers hand them over, as WebVTT cues: Pango markup (SubRip, WebVTT and 3GPP
//! timed text inside containers) and lines of Advanced SubStation Alpha.

mod ass;
mod pango;

pub use ass::AssHeader;

use super::{Cue, markup, vtt};

/// What one packet of subtitles says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embedded<'a> {
    /// Plain text.
    Plain(&'a str),
    /// Text with Pango markup, as GStreamer makes of most formats.
    Pango(&'a str),
    /// A cue of WebVTT as Matroska and WebM store it: text, perhaps after a line with an
    /// identifier that is empty and a line with settings.
    WebVtt(&'a str),
    /// A line of an Advanced SubStation Alpha script as Matroska stores it: without `Dialogue:`
    /// and times, with a read order in front.
    Ass(&'a AssHeader, &'a str),
}

/// The cue of a packet shown from `start_ms` to `end_ms`; `None` if it shows nothing.
///
/// Bold, italic and underline stay, and where ASS says so the place: WebVTT can say nearly no more
/// without a style sheet.
pub fn cue(start_ms: u64, end_ms: u64, packet: Embedded<'_>) -> Option<Cue> {
    let (text, settings) = match packet {
        Embedded::Plain(text) => (lines(text, markup::escape), String::new()),
        Embedded::Pango(text) => {
            let place = ass::place_in(text);
            (lines(&pango::to_vtt(text), str::to_owned), place)
        }
        Embedded::WebVtt(block) => {
            let (settings, text) = match block.strip_prefix('\n').map(|rest| rest.split_once('\n'))
            {
                Some(Some((settings, text))) => (vtt::settings(settings), text),
                _ => (String::new(), block),
            };
            (lines(&pango::to_vtt(text), str::to_owned), settings)
        }
        Embedded::Ass(header, line) => ass::read(header, line)?,
    };
    (start_ms < end_ms && !text.is_empty()).then_some(Cue {
        id: None,
        start_ms,
        end_ms,
        settings,
        text,
    })
}

/// Lines that hold something: an empty one would end the cue.
fn lines(text: &str, convert: impl Fn(&str) -> String) -> String {
    let kept = text.lines().map(|line| convert(line.trim())).filter(|line| !line.is_empty());
    kept.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_no_cue() {
        assert_eq!(cue(0, 1000, Embedded::Plain(" \n\n")), None);
        assert_eq!(cue(5, 5, Embedded::Plain("a")), None);
        let shown = cue(5, 6, Embedded::Plain("a < b\r\n\r\n--> c")).unwrap();
        assert_eq!(shown.text, "a &lt; b\n--&gt; c");
    }

    #[test]
    fn webvtt_comes_with_and_without_its_settings() {
        let shown = cue(0, 9, Embedded::WebVtt("\nline:0 x:y\n<v Ann>Hi</v> <i>you</i>")).unwrap();
        assert_eq!((&*shown.text, &*shown.settings), ("Hi <i>you</i>", "line:0"));
        let shown = cue(0, 9, Embedded::WebVtt("Hi &amp; bye")).unwrap();
        assert_eq!((&*shown.text, &*shown.settings), ("Hi &amp; bye", ""));
    }

    #[test]
    fn a_place_in_subrip_is_kept() {
        let shown = cue(0, 9, Embedded::Pango("{\\an8}<i>Up</i> here")).unwrap();
        assert_eq!((&*shown.text, &*shown.settings), ("<i>Up</i> here", "line:0"));
    }
}
