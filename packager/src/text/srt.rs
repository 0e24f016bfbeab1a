//! SubRip files. There is no specification; this is what players and editors agree on.

use super::{
    Cue, MAX_CUES, TextError, WebVtt,
    lines::{Line, blocks, no_timing},
    markup, timestamp,
};

/// Numbers are dropped: they only count. So are coordinates after the timing.
pub(super) fn parse(lines: &[Line<'_>]) -> Result<WebVtt, TextError> {
    let mut cues = Vec::new();
    for block in blocks(lines, |line| line.text.trim().is_empty())? {
        let line = block.timing.ok_or_else(|| no_timing(&block))?;
        let (start_ms, end_ms, _coordinates) = timestamp::timing(line)?;
        if cues.len() >= MAX_CUES {
            return Err(TextError::TooManyCues { line: line.number });
        }
        if start_ms < end_ms {
            let lines: Vec<_> = block.body.iter().map(|line| markup::to_vtt(line.text)).collect();
            // A line that was nothing but tags is empty now, and would end the cue.
            let lines: Vec<_> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
            let text = lines.join("\n");
            cues.push(Cue { id: None, start_ms, end_ms, settings: String::new(), text });
        }
    }
    Ok(WebVtt { cues, ..WebVtt::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{MAX_BYTES, TextFormat, parse};

    #[test]
    fn becomes_webvtt() {
        let text = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,500 X1:100 X2:200\r\n\
            {\\an8}<font color=\"#fff\">Tom & <i>Jerry</i></font>\r\n-- 3 < 4\r\n\r\n\r\n\
            2\r\n00:01:00,250 --> 00:01:01,000\r\n<font>\r\n\r\n";
        let parsed = parse(text.as_bytes(), Some(TextFormat::SubRip)).unwrap();
        insta::assert_snapshot!(parsed, @"
        WEBVTT

        00:00:01.000 --> 00:00:02.500
        Tom &amp; <i>Jerry</i>
        -- 3 &lt; 4

        00:01:00.250 --> 00:01:01.000
        ");
        assert_eq!(parse(parsed.to_string().as_bytes(), None).unwrap(), parsed);
    }

    #[test]
    fn a_webvtt_file_named_srt_is_webvtt() {
        let text = b"WEBVTT\n\n00:01.000 --> 00:02.000\nx";
        assert_eq!(parse(text, Some(TextFormat::SubRip)).unwrap().cue_count(), 1);
    }

    #[test]
    fn errors_name_the_line() {
        let cases: [(&[u8], usize); 5] = [
            (b"hello\nworld", 1),
            (b"1\n00:00:01,000 --> 00:00:02,000\nx\n\nstray\n", 5),
            (b"1\n00:00:01 --> 00:00:02\nx", 2),
            (b"1\n00:00:01,000 --> 00:00:02,000\nx\n2\n00:00:03,000 --> 00:00:04,000\ny", 5),
            (b"1\n00:00:01,000 --> 00:00:02,000\n\xe9t\xe9\n", 3),
        ];
        for (text, line) in cases {
            let error = parse(text, None).unwrap_err();
            assert_eq!(error.line(), Some(line), "{error}");
        }
        assert!(parse(b"\xff\xfe1\0", None).unwrap_err().to_string().contains("UTF-8"));
        assert_eq!(parse(b"", None), Err(TextError::NoCues));
    }

    #[test]
    fn sizes_are_limited() {
        let error = parse(&vec![b'\n'; MAX_BYTES + 1], None).unwrap_err();
        assert_eq!(error, TextError::TooLarge { bytes: MAX_BYTES + 1 });
        let many = "00:01.000 --> 00:02.000\n\n".repeat(MAX_CUES + 1);
        let error = parse(many.as_bytes(), None).unwrap_err();
        assert_eq!(error, TextError::TooManyCues { line: 2 * MAX_CUES + 1 });
    }
}
