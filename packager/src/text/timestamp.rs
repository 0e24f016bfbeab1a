//! Timings of both formats (WebVTT 6.3): `[h:]mm:ss.mmm --> [h:]mm:ss.mmm settings`.

use super::{
    TextError,
    error::excerpt,
    lines::{ARROW, Line},
};

/// More hours than any film has.
const MAX_HOUR_DIGITS: usize = 5;

/// Start and end of a cue in milliseconds, and what follows them on the line.
///
/// # Errors
/// When the line is no timing or the cue ends before it starts.
pub(super) fn timing<'a>(line: Line<'a>) -> Result<(u64, u64, &'a str), TextError> {
    let (start, end, rest) = read(line.text)
        .ok_or_else(|| TextError::Timing { line: line.number, found: excerpt(line.text) })?;
    if end < start {
        Err(TextError::Backwards { line: line.number })
    } else {
        Ok((start, end, rest))
    }
}

/// `milliseconds` as WebVTT writes them, hours always.
pub(super) fn format(milliseconds: u64) -> String {
    let (seconds, millis) = (milliseconds / 1000, milliseconds % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

fn read(text: &str) -> Option<(u64, u64, &str)> {
    let (start, rest) = text.split_once(ARROW)?;
    let rest = rest.trim_start();
    let (end, settings) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some((milliseconds(start.trim())?, milliseconds(end)?, settings))
}

/// SubRip puts a comma before the fraction, and some write it into WebVTT.
fn milliseconds(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once(['.', ','])?;
    let mut fields = clock.rsplit(':');
    let seconds = digits(fields.next()?, 2..=2)?;
    let minutes = digits(fields.next()?, 2..=2)?;
    let hours = fields.next().map_or(Some(0), |hours| digits(hours, 1..=MAX_HOUR_DIGITS))?;
    if fields.next().is_some() || seconds > 59 || minutes > 59 {
        return None;
    }
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + digits(fraction, 3..=3)?)
}

fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let all_digits = text.bytes().all(|b| b.is_ascii_digit());
    if all_digits && count.contains(&text.len()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_formats() {
        for (text, millis) in [
            ("00:00.000", 0),
            ("01:02.003", 62_003),
            ("00:01:02,003", 62_003),
            ("1:00:00.000", 3_600_000),
            ("12345:59:59.999", ((12_345 * 60 + 59) * 60 + 59) * 1000 + 999),
        ] {
            assert_eq!(milliseconds(text), Some(millis), "{text}");
        }
        for bad in [
            "",
            "1",
            "00:00",
            "0:00.000",
            "00:60.000",
            "00:00.00",
            "+1:00.000",
            "123456:00:00.000",
            "1:00:00:00.000",
            "٠٠:00.000",
        ] {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_follows_is_settings() {
        let line = |text| Line { number: 3, text };
        let full = timing(line("00:01.000-->00:02.000 align:start line:0")).unwrap();
        assert_eq!(full, (1000, 2000, "align:start line:0"));
        let error = timing(line("00:02.000 --> 00:01.000")).unwrap_err();
        assert_eq!(error, TextError::Backwards { line: 3 });
        assert!(matches!(timing(line("x --> y")), Err(TextError::Timing { line: 3, .. })));
    }

    proptest::proptest! {
        #[test]
        fn writes_what_it_reads(millis in 0u64..99_999 * 3_600_000) {
            proptest::prop_assert_eq!(milliseconds(&format(millis)), Some(millis));
        }
    }
}
