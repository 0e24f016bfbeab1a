//! WebVTT files (W3C WebVTT 4 and 6).

use super::{
    Cue, MAX_CUES, TextError, WebVtt,
    lines::{Block, Line, blocks, no_timing},
    timestamp,
};

const SIGNATURE: &str = "WEBVTT";
/// Cue settings (4.4); parsers ignore others.
const SETTINGS: [&str; 6] = ["vertical", "line", "position", "size", "align", "region"];

/// Whether a file that begins with this line is WebVTT.
pub(super) fn is_signature(first: Option<&Line<'_>>) -> bool {
    let rest = first.and_then(|line| line.text.strip_prefix(SIGNATURE));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

pub(super) fn parse(lines: &[Line<'_>]) -> Result<WebVtt, TextError> {
    // The header runs to the first empty line; its metadata means nothing to a whole file.
    let header = lines.iter().take_while(|line| !line.text.is_empty());
    let header_lines = header.clone().count();
    if let Some(line) = header.skip(1).find(|line| line.is_timing()) {
        return Err(TextError::NotSeparated { line: line.number });
    }
    let mut parsed = WebVtt::default();
    for block in blocks(&lines[header_lines..], |line| line.text.is_empty())? {
        match block.timing {
            Some(timing) => push_cue(&mut parsed.cues, &block, timing)?,
            None => push_other(&mut parsed, &block)?,
        }
    }
    Ok(parsed)
}

fn push_cue(cues: &mut Vec<Cue>, block: &Block<'_, '_>, line: Line<'_>) -> Result<(), TextError> {
    let (start_ms, end_ms, rest) = timestamp::timing(line)?;
    if cues.len() >= MAX_CUES {
        return Err(TextError::TooManyCues { line: line.number });
    }
    if start_ms < end_ms {
        let id = block.id.map(|line| printable(line.text));
        let text = joined(block.body);
        cues.push(Cue { id, start_ms, end_ms, settings: settings(rest), text });
    }
    Ok(())
}

/// A block that is no cue.
fn push_other(parsed: &mut WebVtt, block: &Block<'_, '_>) -> Result<(), TextError> {
    let Some((first, rest)) = block.body.split_first() else { return Ok(()) };
    match first.text.trim_end() {
        // Players ignore styles and regions after the first cue.
        "STYLE" | "REGION" if !parsed.cues.is_empty() || rest.is_empty() => Ok(()),
        "STYLE" => {
            parsed.styles.push(joined(rest));
            Ok(())
        }
        "REGION" => {
            parsed.regions.push(joined(rest));
            Ok(())
        }
        note if note == "NOTE" || note.starts_with("NOTE ") || note.starts_with("NOTE\t") => Ok(()),
        _ => Err(no_timing(block)),
    }
}

/// The settings players know, one blank between.
pub(super) fn settings(text: &str) -> String {
    let known = |setting: &&str| {
        setting.split_once(':').is_some_and(|(name, value)| {
            SETTINGS.contains(&name) && !value.is_empty() && !value.contains('\0')
        })
    };
    text.split_ascii_whitespace().filter(known).collect::<Vec<_>>().join(" ")
}

fn joined(lines: &[Line<'_>]) -> String {
    lines.iter().map(|line| printable(line.text)).collect::<Vec<_>>().join("\n")
}

/// NUL becomes the replacement character, as WebVTT asks (6.1).
fn printable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{TextFormat, parse};

    fn vtt(text: &str) -> Result<WebVtt, TextError> {
        parse(text.as_bytes(), Some(TextFormat::WebVtt))
    }

    #[test]
    fn keeps_what_players_use() {
        let parsed = vtt("\u{feff}WEBVTT - a title\nX-TIMESTAMP-MAP=LOCAL:0\n\nNOTE hidden\n\
             \nSTYLE\n::cue { color: red }\n\nREGION\nid:top\n\nintro\n\
             00:01.000 --> 00:02.500 align:start bogus:1  line:0\n<i>Hi</i> &amp; bye\n- you\n\n\
             00:00.000 --> 00:00.500\nfirst\n\n00:03.000 --> 00:03.000\nnever\n")
        .unwrap();
        insta::assert_snapshot!(parsed, @"
        WEBVTT

        STYLE
        ::cue { color: red }

        REGION
        id:top

        00:00:00.000 --> 00:00:00.500
        first

        intro
        00:00:01.000 --> 00:00:02.500 align:start line:0
        <i>Hi</i> &amp; bye
        - you
        ");
        assert_eq!((parsed.cue_count(), parsed.end_us()), (2, 2_500_000));
        assert_eq!(vtt(&parsed.to_string()).unwrap(), parsed);
    }

    #[test]
    fn errors_name_the_line() {
        let cases = [
            ("1\n00:00:01,000 --> 00:00:02,000\nx", 1, "begins with 'WEBVTT'"),
            ("WEBVTTX\n\n00:01.000 --> 00:02.000\nx", 1, "begins with 'WEBVTT'"),
            ("WEBVTT\n00:01.000 --> 00:02.000\nx", 2, "empty line before"),
            ("WEBVTT\n\n00:01.000 --> 2\nx", 3, "is not a timing"),
            ("WEBVTT\n\n00:01.000 --> 00:02.000\nx\n\ny\n", 6, "before 'y'"),
            (
                "WEBVTT\n\n00:01.000 --> 00:02.000\nx\n00:02.000 --> 00:03.000\ny",
                5,
                "empty line before",
            ),
            ("WEBVTT\n\n00:03.000 --> 00:02.000\nx", 3, "ends before it starts"),
        ];
        for (text, line, says) in cases {
            let error = vtt(text).unwrap_err();
            assert_eq!(error.line(), Some(line), "{text}: {error}");
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
        assert_eq!(vtt("WEBVTT\n\nNOTE nothing\n"), Err(TextError::NoCues));
    }

    #[test]
    fn a_cue_may_be_called_note() {
        let parsed = vtt("WEBVTT\n\nNOTE\n00:01.000 --> 00:02.000\nx").unwrap();
        assert_eq!(parsed.cues[0].id.as_deref(), Some("NOTE"));
    }
}
