//! The Range header (RFC 9110 14.2): one range of bytes or several. What cannot be read is
//! answered whole, and so are more ranges than anyone needs or ranges that overlap: a few bytes
//! of request must not become many times the representation.

use std::ops::Range;

/// More in one request are answered whole.
const MOST: usize = 16;

/// What a Range header asks of a representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Whole,
    Part(Range<u64>),
    /// At least two, apart from each other, in the order they were asked for.
    Parts(Vec<Range<u64>>),
    Unsatisfiable,
}

/// Reads `value` for a representation of `size` bytes.
pub(crate) fn parse(value: &str, size: u64) -> Asked {
    let Some((unit, specs)) = value.split_once('=') else { return Asked::Whole };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Asked::Whole;
    }
    let mut parts = Vec::new();
    for (count, spec) in specs.split(',').map(|spec| spec.trim_matches([' ', '\t'])).enumerate() {
        match range(spec, size) {
            Some(part) if count < MOST => parts.push(part),
            _ => return Asked::Whole,
        }
    }
    // Those that lie outside are left out of the answer to those that do not (15.3.7.2).
    parts.retain(|part| !part.is_empty());
    if overlap(&parts) {
        return Asked::Whole;
    }
    match parts.len() {
        0 => Asked::Unsatisfiable,
        1 => Asked::Part(parts.remove(0)),
        _ => Asked::Parts(parts),
    }
}

/// One range, empty if it lies outside; `None` if it is none.
fn range(spec: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(size)),
        (Some(first), None) if last.is_empty() => Some(first..size),
        (None, Some(suffix)) if first.is_empty() => Some(size.saturating_sub(suffix)..size),
        _ => None,
    }
}

fn overlap(parts: &[Range<u64>]) -> bool {
    let mut sorted: Vec<_> = parts.iter().collect();
    sorted.sort_by_key(|part| part.start);
    !sorted.is_sorted_by(|before, after| before.end <= after.start)
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
        use Asked::{Part, Parts, Unsatisfiable, Whole};
        let huge = "99999999999999999999999";
        let many = |count: usize| {
            let specs: Vec<_> = (0..count).map(|n| format!("{}-{}", 2 * n, 2 * n)).collect();
            format!("bytes={}", specs.join(","))
        };
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
            ("bytes=0-1,3-4", Parts(vec![0..2, 3..5])),
            ("bytes=0-1, 2-3 ,\t-1", Parts(vec![0..2, 2..4, 9..10])),
            ("bytes=7-8,0-1", Parts(vec![7..9, 0..2])),
            ("bytes=0-1,10-", Part(0..2)),
            ("bytes=20-,10-", Unsatisfiable),
            ("bytes=0-4,4-5", Whole),
            ("bytes=0-,-1", Whole),
            ("bytes=0-1,x", Whole),
            ("bytes=0-1,", Whole),
            (&many(17), Whole),
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
        assert!(matches!(parse(&many(16), 100), Parts(parts) if parts.len() == 16));
        for value in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(parse(value, 0), Unsatisfiable, "{value} of nothing");
        }
    }
}
