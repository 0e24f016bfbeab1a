//! How a playlist may change while it is live (6.2.1, 6.2.2).

use std::time::Duration;

use super::{
    finding::{Finding, Findings},
    outline::{Media, Segment},
};

/// What a server promises of a playlist that changes.
const CHANGES: &str = "6.2.1";
/// What it promises where segments go away.
const LIVE: &str = "6.2.2";

/// Holds a version of a playlist against an earlier one. Lines are those of `after`.
/// What a delta update leaves out is not held against anything.
pub fn growth(before: &Media, after: &Media) -> Vec<Finding> {
    let mut findings = Findings::default();
    constants(before, after, &mut findings);
    removals(before, after, &mut findings);
    same_segments(before, after, &mut findings);
    findings.sorted()
}

/// That a playlist which goes on has a new segment in time: `waited` is how long the newest one of
/// `media` has been there already.
pub fn is_late(media: &Media, waited: Duration) -> Option<Finding> {
    let target_s = media.target_duration_s?;
    let limit = Duration::from_millis(target_s.saturating_mul(1500));
    if media.has_ended || waited <= limit {
        return None;
    }
    let mut findings = Findings::default();
    let what = format!(
        "no new segment for {:.1} s, more than one and a half target durations",
        waited.as_secs_f64()
    );
    findings.error(media.segments.last().map_or(1, line), CHANGES, what);
    findings.sorted().pop()
}

/// What never changes.
fn constants(before: &Media, after: &Media, findings: &mut Findings) {
    if before.target_duration_s != after.target_duration_s {
        let what = format!("the target duration was {}", seconds(before.target_duration_s));
        findings.error(after.target_line, CHANGES, what);
    }
    if before.playlist_type != after.playlist_type {
        let was = before.playlist_type.as_deref().unwrap_or("not there");
        findings.error(after.type_line, CHANGES, format!("EXT-X-PLAYLIST-TYPE was {was}"));
    }
    if before.has_ended && !after.has_ended {
        findings.error(1, CHANGES, "EXT-X-ENDLIST was there and is gone");
    }
    if (before.has_ended || before.playlist_type.as_deref() == Some("VOD"))
        && before.end() < after.end()
    {
        let line = after.segment(before.end()).map_or(1, line);
        findings.error(line, CHANGES, "segments were added to a playlist that had ended");
    }
}

/// What is not there any more.
fn removals(before: &Media, after: &Media, findings: &mut Findings) {
    let (was, is) = (before.sequence(), after.sequence());
    if is < was {
        let what = format!("the media sequence was {was}, and decreased");
        findings.error(1, LIVE, what);
    }
    if after.end() < before.end() {
        let what = format!(
            "{} segments were removed from the end",
            before.end().saturating_sub(after.end())
        );
        findings.error(after.segments.last().map_or(1, line), CHANGES, what);
    }
    if is <= was {
        return;
    }
    if let Some(kind) = &before.playlist_type {
        let what = format!("segments were removed from the beginning of a playlist that is {kind}");
        findings.error(after.type_line, CHANGES, what);
    }
    let three = after.target_duration_s.unwrap_or(0).saturating_mul(3_000_000);
    if !after.has_ended && after.skipped == 0 && after.duration_us() < three {
        let what = "segments were removed, and less than three target durations are left";
        findings.error(after.segments.last().map_or(1, line), LIVE, what);
    }
    let had_discontinuity = before.last_discontinuity() > before.first_discontinuity;
    if had_discontinuity && !after.names_discontinuities {
        findings.error(1, LIVE, "EXT-X-DISCONTINUITY-SEQUENCE is missing, and segments go away");
    }
}

/// What is in both.
fn same_segments(before: &Media, after: &Media, findings: &mut Findings) {
    let mut changes: [(usize, u64, usize); 3] = [(0, 0, 0); 3];
    let common = before.first.max(after.first)..before.end().min(after.end());
    for number in common {
        let (Some(was), Some(is)) = (before.segment(number), after.segment(number)) else { break };
        let differs = [
            was.address != is.address,
            was.duration_us != is.duration_us,
            was.discontinuity != is.discontinuity,
        ];
        for (differs, change) in differs.into_iter().zip(&mut changes) {
            if differs {
                if change.0 == 0 {
                    (change.1, change.2) = (number, line(is));
                }
                change.0 += 1;
            }
        }
    }
    let [address, duration, discontinuity] = changes;
    let mut tell = |(count, number, line): (usize, u64, usize), clause, what: &str| {
        if count > 0 {
            let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            findings.error(line, clause, format!("segment {number}{others}: {what}"));
        }
    };
    tell(address, CHANGES, "the address or byte range was another");
    tell(duration, CHANGES, "the duration was another");
    tell(discontinuity, LIVE, "the discontinuity sequence number was another");
}

fn line(segment: &Segment) -> usize {
    segment.line as usize
}

fn seconds(seconds: Option<u64>) -> String {
    seconds.map_or("not there".to_owned(), |seconds| format!("{seconds} s"))
}
