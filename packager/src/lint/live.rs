//! What low latency adds to media playlists (4.4.4.6 to 4.4.5.4).

use std::collections::BTreeSet;

use super::{
    attributes::{Attributes, excerpt},
    finding::Findings,
    lines::{Content, Line},
    media::byte_range,
};

pub(super) fn check(lines: &[Line<'_>], part_target: Option<u64>, findings: &mut Findings) {
    let mut hints = BTreeSet::new();
    let (mut skips, mut can_skip) = (0, false);
    for line in lines {
        let number = line.number;
        if let Some(list) = line.attributes("EXT-X-SERVER-CONTROL", findings) {
            can_skip |= list.get("CAN-SKIP-UNTIL").is_some();
            list.word("CAN-BLOCK-RELOAD", &["YES"], "4.4.3.8", findings);
            list.word("CAN-SKIP-DATERANGES", &["YES"], "4.4.3.8", findings);
        } else if let Some(list) = line.attributes("EXT-X-SKIP", findings) {
            skips += 1;
            skip(number, &list, skips, can_skip, findings);
        } else if let Some(list) = line.attributes("EXT-X-PRELOAD-HINT", findings) {
            let kind = hint(&list, findings).unwrap_or_default();
            if !hints.insert(kind) {
                let what = format!("there are two hints of the type '{}'", excerpt(kind));
                findings.error(number, "4.4.5.3", what);
            }
        } else if let Some(list) = line.attributes("EXT-X-RENDITION-REPORT", findings) {
            report(number, &list, findings);
        } else if let Some(value) = line.tag("EXT-X-PROGRAM-DATE-TIME") {
            date_time(number, value, findings);
        }
    }
    parts(lines, part_target, findings);
}

fn skip(line: usize, list: &Attributes<'_>, skips: u32, can_skip: bool, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.5.2";
    list.needed("SKIPPED-SEGMENTS", CLAUSE, findings);
    list.integer("SKIPPED-SEGMENTS", CLAUSE, findings);
    list.quotes(&["RECENTLY-REMOVED-DATERANGES"], CLAUSE, findings);
    if skips > 1 {
        findings.error(line, CLAUSE, "EXT-X-SKIP is there twice");
    }
    if !can_skip {
        findings.error(line, CLAUSE, "EXT-X-SKIP stands without CAN-SKIP-UNTIL before it");
    }
}

/// Answers its type.
fn hint<'a>(list: &Attributes<'a>, findings: &mut Findings) -> Option<&'a str> {
    const CLAUSE: &str = "4.4.5.3";
    list.needed("TYPE", CLAUSE, findings);
    list.needed("URI", CLAUSE, findings);
    list.quotes(&["URI"], CLAUSE, findings);
    list.integer("BYTERANGE-START", CLAUSE, findings);
    list.integer("BYTERANGE-LENGTH", CLAUSE, findings);
    list.word("TYPE", &["PART", "MAP"], CLAUSE, findings)
}

fn report(line: usize, list: &Attributes<'_>, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.5.4";
    let uri = list.needed("URI", CLAUSE, findings);
    list.quotes(&["URI"], CLAUSE, findings);
    list.needed("LAST-MSN", CLAUSE, findings);
    list.integer("LAST-MSN", CLAUSE, findings);
    list.integer("LAST-PART", CLAUSE, findings);
    if uri.is_some_and(|uri| uri.contains("://")) {
        findings.error(line, CLAUSE, "URI is not relative to this playlist");
    }
}

/// A date, `T`, a time, and which zone that is of.
fn date_time(line: usize, value: &str, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.4.6";
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let is_like = |(&byte, &form): (&u8, &u8)| {
        if form == b'0' { byte.is_ascii_digit() } else { byte == form }
    };
    let bytes = value.as_bytes();
    if bytes.len() < FORM.len() || !bytes.iter().zip(FORM).all(is_like) {
        let what = format!("'{}' is not a date and a time of ISO 8601", excerpt(value));
        findings.error(line, CLAUSE, what);
    } else if !bytes[FORM.len()..].iter().any(|byte| matches!(byte, b'Z' | b'+' | b'-')) {
        findings.warning(line, CLAUSE, "the time has no zone");
    }
}

/// Parts but the last of a segment last at least 85 % of the target, unless they are missing or
/// begin with a key frame.
fn parts(lines: &[Line<'_>], target: Option<u64>, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.4.9";
    let mut short: Option<usize> = None;
    for line in lines {
        if matches!(line.content, Content::Uri(_)) {
            short = None;
        }
        let Some(list) = line.attributes("EXT-X-PART", &mut Findings::default()) else { continue };
        if let Some(line) = short.take() {
            findings.error(line, CLAUSE, "the part is shorter than 85 % of PART-TARGET");
        }
        for name in ["INDEPENDENT", "GAP"] {
            list.word(name, &["YES"], CLAUSE, findings);
        }
        if list.get("BYTERANGE").is_some_and(|range| byte_range(range).is_none()) {
            findings.error(line.number, CLAUSE, "BYTERANGE is not LENGTH or LENGTH@OFFSET");
        }
        let is_free = list.get("INDEPENDENT").is_some() || list.get("GAP").is_some();
        let duration = list.seconds("DURATION", CLAUSE, &mut Findings::default());
        let is_short = duration
            .zip(target)
            .is_some_and(|(duration, target)| u128::from(duration) * 100 < u128::from(target) * 85);
        short = (is_short && !is_free).then_some(line.number);
    }
}
