//! Numbers as people read them, and text from outside made harmless.

use jiff::Timestamp;

/// `641.2 MB`: decimal units, as upload speeds and file managers count.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1_000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `1 video`, `2 videos`.
pub(crate) fn count(number: u64, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {what}{ending}")
}

/// `0:07`, `12:34`, `1:02:03`.
pub(crate) fn clock(seconds: f64) -> String {
    // Beyond a hundred hours a remaining time says nothing.
    if !seconds.is_finite() || !(0.0..360_000.0).contains(&seconds) {
        return "-:--".into();
    }
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// `40 s`, `4 min`, `2 h`: as exact as a guess is.
pub(crate) fn roughly(seconds: f64) -> String {
    match seconds.max(0.0).round() as u64 {
        seconds @ ..90 => format!("{} s", seconds.max(1)),
        seconds @ 90..5_400 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h", seconds.saturating_add(1_800) / 3_600),
    }
}

/// `1st`, `12th`, `22nd`.
pub(crate) fn ordinal(number: u64) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Media time as a clock.
pub(crate) fn media(us: Option<i64>) -> String {
    us.map_or_else(String::new, |us| clock(us as f64 / 1e6))
}

/// `now`, `5 min`, `3 h`, `2 d`.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    match now.as_second() - then.as_second() {
        ..60 => "now".into(),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// `plays_through` as people write it.
pub(crate) fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// Text from outside, without what could drive the terminal or turn its reading order.
pub(crate) fn clean(text: &str) -> String {
    let harmless = |c: &char| {
        *c == '\n'
            || !(c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    text.chars().filter(harmless).collect()
}

/// [`clean`], on one line.
pub(crate) fn line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_short() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_999, "1.0 MB"),
            (545_200_000, "545.2 MB"),
            (u64::MAX, "18446.7 PB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn clocks_survive_any_estimate() {
        let cases = [
            (0.4, "0:00"),
            (7.0, "0:07"),
            (754.0, "12:34"),
            (3_723.0, "1:02:03"),
            (-1.0, "-:--"),
            (f64::NAN, "-:--"),
            (1e12, "-:--"),
        ];
        for (seconds, text) in cases {
            assert_eq!(clock(seconds), text);
        }
    }

    #[test]
    fn guesses_are_rounded_and_places_are_counted() {
        let waits = [0.2, 40.0, 224.0, 7_300.0, f64::INFINITY];
        assert_eq!(waits.map(roughly)[..4], ["1 s", "40 s", "4 min", "2 h"]);
        let places = [1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111];
        let expected =
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "103rd", "111th"];
        assert_eq!(places.map(ordinal), expected);
    }

    #[test]
    fn text_from_outside_cannot_drive_the_terminal() {
        assert_eq!(line("a\u{1b}[31mb\u{202e}c\nd\u{9b}"), "a[31mbc d");
        assert_eq!(line("Füße 映画"), "Füße 映画");
    }

    #[test]
    fn ages_are_coarse() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        for (seconds, text) in
            [(-5, "now"), (59, "now"), (60, "1 min"), (7_200, "2 h"), (200_000, "2 d")]
        {
            assert_eq!(age(at(1_000_000), at(1_000_000 + seconds)), text);
        }
    }
}
