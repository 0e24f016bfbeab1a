//! Media playlists (4.4.3 to 4.4.5).

use super::{
    attributes::{Attributes, excerpt},
    finding::Findings,
    keys,
    lines::{Content, Line},
    live,
    outline::{Media, outline},
};

/// Microseconds a second.
const SECOND: u64 = 1_000_000;

/// What stands once in a playlist, and its clause.
const ONCE: [(&str, &str); 9] = [
    ("EXT-X-TARGETDURATION", "4.4.3.1"),
    ("EXT-X-MEDIA-SEQUENCE", "4.4.3.2"),
    ("EXT-X-DISCONTINUITY-SEQUENCE", "4.4.3.3"),
    ("EXT-X-ENDLIST", "4.4.3.4"),
    ("EXT-X-PLAYLIST-TYPE", "4.4.3.5"),
    ("EXT-X-I-FRAMES-ONLY", "4.4.3.6"),
    ("EXT-X-PART-INF", "4.4.3.7"),
    ("EXT-X-SERVER-CONTROL", "4.4.3.8"),
    ("EXT-X-INDEPENDENT-SEGMENTS", "4.4.2.1"),
];

/// Checks it; what others are held against.
pub(super) fn check(lines: &[Line<'_>], findings: &mut Findings) -> Media {
    once(lines, findings);
    let target = target_duration(lines, findings);
    let part_target = part_target(lines, findings);
    server_control(lines, target, part_target, findings);
    playlist_type(lines, findings);
    segments(lines, target, findings);
    let has_time = lines.iter().any(|line| line.tag("EXT-X-PROGRAM-DATE-TIME").is_some());
    for line in lines {
        map(line, findings);
        part(line, part_target, findings);
        date_range(line, has_time, findings);
    }
    live::check(lines, part_target, findings);
    gaps(lines, findings);
    let keys = keys::check(lines, findings);
    outline(lines, keys)
}

fn once(lines: &[Line<'_>], findings: &mut Findings) {
    for (tag, clause) in ONCE {
        let again = lines.iter().filter(|line| line.tag(tag).is_some()).skip(1);
        again.for_each(|line| findings.error(line.number, clause, format!("{tag} is there twice")));
    }
}

/// In microseconds.
fn target_duration(lines: &[Line<'_>], findings: &mut Findings) -> Option<u64> {
    const CLAUSE: &str = "4.4.3.1";
    let tag = |line: &Line<'_>| Some((line.number, line.tag("EXT-X-TARGETDURATION")?.to_owned()));
    let Some((line, value)) = lines.iter().find_map(tag) else {
        findings.error(1, CLAUSE, "EXT-X-TARGETDURATION is missing");
        return None;
    };
    let seconds = integer(&value);
    if seconds.is_none() {
        findings.error(line, CLAUSE, "the target duration is no whole number of seconds");
    }
    seconds.map(|seconds| seconds.saturating_mul(SECOND))
}

fn part_target(lines: &[Line<'_>], findings: &mut Findings) -> Option<u64> {
    const CLAUSE: &str = "4.4.3.7";
    let list = lines.iter().find_map(|line| line.attributes("EXT-X-PART-INF", findings));
    let Some(list) = list else {
        if let Some(part) = lines.iter().find(|line| line.tag("EXT-X-PART").is_some()) {
            findings.error(part.number, CLAUSE, "there are parts, and no EXT-X-PART-INF");
        }
        return None;
    };
    list.needed("PART-TARGET", CLAUSE, findings)?;
    list.seconds("PART-TARGET", CLAUSE, findings)
}

fn server_control(
    lines: &[Line<'_>],
    target: Option<u64>,
    part_target: Option<u64>,
    findings: &mut Findings,
) {
    const CLAUSE: &str = "4.4.3.8";
    let Some(line) = lines.iter().find(|line| line.tag("EXT-X-SERVER-CONTROL").is_some()) else {
        return;
    };
    let Some(list) = line.attributes("EXT-X-SERVER-CONTROL", findings) else { return };
    let number = line.number;
    let skip = list.seconds("CAN-SKIP-UNTIL", CLAUSE, findings);
    let hold = list.seconds("HOLD-BACK", CLAUSE, findings);
    let part_hold = list.seconds("PART-HOLD-BACK", CLAUSE, findings);
    let less = |value: Option<u64>, times: u64, of: Option<u64>| {
        value.zip(of).is_some_and(|(value, of)| value < of.saturating_mul(times))
    };
    if less(skip, 6, target) {
        findings.error(number, CLAUSE, "CAN-SKIP-UNTIL is less than six target durations");
    }
    if less(hold, 3, target) {
        findings.error(number, CLAUSE, "HOLD-BACK is less than three target durations");
    }
    if part_target.is_some() && part_hold.is_none() {
        findings.error(number, CLAUSE, "PART-HOLD-BACK is missing, and there are parts");
    }
    if less(part_hold, 2, part_target) {
        findings.error(number, CLAUSE, "PART-HOLD-BACK is less than two part targets");
    } else if less(part_hold, 3, part_target) {
        findings.warning(number, CLAUSE, "PART-HOLD-BACK is less than three part targets");
    }
    if list.get("CAN-SKIP-DATERANGES").is_some() && skip.is_none() {
        findings.error(number, CLAUSE, "CAN-SKIP-DATERANGES needs CAN-SKIP-UNTIL");
    }
}

fn playlist_type(lines: &[Line<'_>], findings: &mut Findings) {
    const CLAUSE: &str = "4.4.3.5";
    let ended = lines.iter().any(|line| line.tag("EXT-X-ENDLIST").is_some());
    for line in lines {
        match line.tag("EXT-X-PLAYLIST-TYPE") {
            Some("VOD") if !ended => {
                findings.warning(line.number, CLAUSE, "a VOD playlist without EXT-X-ENDLIST");
            }
            Some("EVENT" | "VOD") | None => {}
            Some(other) => {
                let what = format!("the type is '{}', not EVENT or VOD", excerpt(other));
                findings.error(line.number, CLAUSE, what);
            }
        }
    }
}

/// What belongs to the next segment.
#[derive(Default)]
struct Pending {
    /// Line of its EXTINF.
    duration: Option<usize>,
    /// Line of its EXT-X-BYTERANGE, and whether that says where it begins.
    range: Option<(usize, bool)>,
}

fn segments(lines: &[Line<'_>], target: Option<u64>, findings: &mut Findings) {
    let (mut pending, mut segments) = (Pending::default(), 0_usize);
    // The file whose range was the last, so that the next may go on from there.
    let mut last_range: Option<&str> = None;
    for line in lines {
        let number = line.number;
        match line.content {
            Content::Tag("EXTINF", value) => {
                if pending.duration.replace(number).is_some() {
                    findings.error(number, "4.4.4.1", "two EXTINF, and no address between them");
                }
                duration(number, value, target, findings);
            }
            Content::Tag("EXT-X-BYTERANGE", value) => {
                pending.range = Some((number, value.contains('@')));
                if byte_range(value).is_none() {
                    findings.error(number, "4.4.4.2", "a byte range is LENGTH or LENGTH@OFFSET");
                }
            }
            Content::Tag("EXT-X-MEDIA-SEQUENCE", value) => {
                sequence(number, value, segments, "4.4.3.2", findings);
            }
            Content::Tag("EXT-X-DISCONTINUITY-SEQUENCE", value) => {
                sequence(number, value, segments, "4.4.3.3", findings);
            }
            Content::Tag(..) => {}
            Content::Uri(uri) => {
                segments += 1;
                if pending.duration.is_none() {
                    findings.error(number, "4.4.4.1", "a segment without EXTINF");
                }
                if let Some((line, false)) = pending.range
                    && last_range != Some(uri)
                {
                    let what = "a byte range without offset, and none of this file before it";
                    findings.error(line, "4.4.4.2", what);
                }
                last_range = pending.range.map(|_| uri);
                pending = Pending::default();
            }
        }
    }
    if let Some(line) = pending.duration {
        findings.error(line, "4.4.4.1", "no address after EXTINF");
    }
}

fn duration(line: usize, value: &str, target: Option<u64>, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.4.1";
    let Some((seconds, _title)) = value.split_once(',') else {
        findings.error(line, CLAUSE, "there is no comma after the duration");
        return;
    };
    let Some(micros) = micros(seconds) else {
        let what = format!("'{}' is no number of seconds", excerpt(seconds));
        findings.error(line, CLAUSE, what);
        return;
    };
    // Rounded to the nearest second (4.4.3.1).
    if target.is_some_and(|target| (micros + SECOND / 2) / SECOND * SECOND > target) {
        let what = format!("{} s is longer than the target duration", excerpt(seconds));
        findings.error(line, "4.4.3.1", what);
    }
}

fn sequence(
    line: usize,
    value: &str,
    segments: usize,
    clause: &'static str,
    findings: &mut Findings,
) {
    if integer(value).is_none() {
        findings.error(line, clause, "the number is no whole number");
    }
    if segments > 0 {
        findings.error(line, clause, "it stands after the first segment");
    }
}

/// That EXT-X-GAP says nothing more, once, and of a segment.
fn gaps(lines: &[Line<'_>], findings: &mut Findings) {
    const CLAUSE: &str = "4.4.4.7";
    let mut open = None;
    for line in lines {
        match line.content {
            Content::Tag("EXT-X-GAP", value) => {
                if !value.is_empty() {
                    findings.error(line.number, CLAUSE, "EXT-X-GAP has no value");
                }
                if open.replace(line.number).is_some() {
                    findings.error(line.number, CLAUSE, "the segment has two EXT-X-GAP");
                }
            }
            Content::Uri(_) => open = None,
            Content::Tag(..) => {}
        }
    }
    if let Some(line) = open {
        findings.error(line, CLAUSE, "no segment after EXT-X-GAP");
    }
}

fn map(line: &Line<'_>, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.4.5";
    let Some(list) = line.attributes("EXT-X-MAP", findings) else { return };
    list.needed("URI", CLAUSE, findings);
    list.quotes(&["URI", "BYTERANGE"], CLAUSE, findings);
    if list.get("BYTERANGE").is_some_and(|range| byte_range(range).is_none()) {
        findings.error(line.number, CLAUSE, "BYTERANGE is not LENGTH or LENGTH@OFFSET");
    }
}

fn part(line: &Line<'_>, part_target: Option<u64>, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.4.9";
    let Some(list) = line.attributes("EXT-X-PART", findings) else { return };
    list.needed("URI", CLAUSE, findings);
    list.needed("DURATION", CLAUSE, findings);
    list.quotes(&["URI", "BYTERANGE"], CLAUSE, findings);
    let duration = list.seconds("DURATION", CLAUSE, findings);
    if duration.zip(part_target).is_some_and(|(duration, target)| duration > target) {
        findings.error(line.number, "4.4.3.7", "the part is longer than PART-TARGET");
    }
}

fn date_range(line: &Line<'_>, has_time: bool, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.5.1";
    let Some(list) = line.attributes("EXT-X-DATERANGE", findings) else { return };
    let list: Attributes<'_> = list;
    list.needed("ID", CLAUSE, findings);
    list.needed("START-DATE", CLAUSE, findings);
    if !has_time {
        findings.error(line.number, CLAUSE, "there is no EXT-X-PROGRAM-DATE-TIME to count from");
    }
    list.quotes(&["ID", "CLASS", "START-DATE", "END-DATE"], CLAUSE, findings);
    if list.get("END-ON-NEXT").is_some() {
        list.word("END-ON-NEXT", &["YES"], CLAUSE, findings);
        list.needed("CLASS", CLAUSE, findings);
        if list.get("DURATION").is_some() || list.get("END-DATE").is_some() {
            let what = "END-ON-NEXT stands with DURATION or END-DATE";
            findings.error(line.number, CLAUSE, what);
        }
    }
    list.seconds("DURATION", CLAUSE, findings);
    list.seconds("PLANNED-DURATION", CLAUSE, findings);
}

/// A whole number of at most 20 digits (4.2, decimal-integer).
pub(super) fn integer(text: &str) -> Option<u64> {
    let is_digits = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_digits { text.parse().ok() } else { None }
}

/// Seconds (4.2, decimal-floating-point) in microseconds; further digits are cut off.
pub(super) fn micros(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = &fraction[..fraction.len().min(6)];
    let micros: u64 = format!("{digits:0<6}").parse().ok()?;
    integer(whole)?.checked_mul(SECOND)?.checked_add(micros)
}

pub(super) fn byte_range(text: &str) -> Option<()> {
    let (length, offset) = text.split_once('@').unwrap_or((text, "0"));
    integer(length).and(integer(offset)).map(|_| ())
}
