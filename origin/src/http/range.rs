//! The Range header (RFC 9110 14.2): one range of bytes. Several at once are answered whole,
//! which a server may do, and so is what cannot be read.

use std::ops::Range;

/// What a Range header asks of a representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
}

/// Reads `value` for a representation of `size` bytes.
pub(crate) fn parse(value: &str, size: u64) -> Asked {
    let Some((unit, spec)) = value.split_once('=') else { return Asked::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Asked::Whole;
    }
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Unsatisfiable } else { Asked::Part(range) }
}

/// Digits; more than fit count as the most that do, which lies outside of anything.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        use Asked::{Part, Unsatisfiable, Whole};
        let huge = "99999999999999999999999";
        let cases = [
            ("bytes=0-0", Part(0..1)),
            ("bytes=2-5", Part(2..6)),
            ("Bytes=2-5", Part(2..6)),
            ("bytes= 2-5 ", Part(2..6)),
            ("bytes=2-", Part(2..10)),
            ("bytes=-3", Part(7..10)),
            ("bytes=-30", Part(0..10)),
            ("bytes=9-99", Part(9..10)),
            (&format!("bytes=9-{huge}"), Part(9..10)),
            (&format!("bytes=-{huge}"), Part(0..10)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=10-12", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            (&format!("bytes={huge}-"), Unsatisfiable),
            ("bytes=5-2", Whole),
            ("bytes=0-1,3-4", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=1--2", Whole),
            ("bytes", Whole),
            ("seconds=1-2", Whole),
            ("", Whole),
        ];
        for (value, asked) in cases {
            assert_eq!(parse(value, 10), asked, "{value}");
        }
        for value in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(parse(value, 0), Unsatisfiable, "{value} of nothing");
        }
    }
}
