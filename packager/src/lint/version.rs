//! EXT-X-VERSION (4.4.1.2), and what asks for which version.

use super::{finding::Findings, lines::Line, media::integer};

const CLAUSE: &str = "4.4.1.2";

pub(super) fn check(lines: &[Line<'_>], findings: &mut Findings) {
    let mut named = None;
    for line in lines {
        let Some(value) = line.tag("EXT-X-VERSION") else { continue };
        if named.is_some() {
            findings.error(line.number, CLAUSE, "there is more than one EXT-X-VERSION");
        }
        match integer(value) {
            Some(version) => named = Some(named.unwrap_or(version)),
            None => findings.error(line.number, CLAUSE, "the version is no whole number"),
        }
    }
    let i_frames_only = lines.iter().any(|line| line.tag("EXT-X-I-FRAMES-ONLY").is_some());
    let version = named.unwrap_or(1);
    let mut said = Vec::new();
    for line in lines {
        for (needed, what) in needs(line, i_frames_only) {
            if needed > version && !said.contains(&what) {
                said.push(what);
                let what =
                    format!("{what} needs version {needed}, and the playlist is of {version}");
                findings.error(line.number, CLAUSE, what);
            }
        }
    }
}

/// What on this line needs more than version 1.
fn needs(line: &Line<'_>, i_frames_only: bool) -> Vec<(u64, &'static str)> {
    let mut needs = Vec::new();
    let mut when = |is: bool, version, what| {
        if is {
            needs.push((version, what));
        }
    };
    let has = |tag, text: &str| line.tag(tag).is_some_and(|value| value.contains(text));
    let key = |text| has("EXT-X-KEY", text) || has("EXT-X-SESSION-KEY", text);
    when(key("IV="), 2, "IV of a key");
    when(has("EXTINF", "."), 3, "a fraction in EXTINF");
    when(line.tag("EXT-X-BYTERANGE").is_some(), 4, "EXT-X-BYTERANGE");
    when(line.tag("EXT-X-I-FRAMES-ONLY").is_some(), 4, "EXT-X-I-FRAMES-ONLY");
    when(key("KEYFORMAT"), 5, "KEYFORMAT of a key");
    when(key("METHOD=SAMPLE-AES"), 5, "SAMPLE-AES");
    let map = line.tag("EXT-X-MAP").is_some();
    when(map && i_frames_only, 5, "EXT-X-MAP");
    when(map && !i_frames_only, 6, "EXT-X-MAP without EXT-X-I-FRAMES-ONLY");
    when(has("EXT-X-MEDIA", "INSTREAM-ID=\"SERVICE"), 7, "a SERVICE in INSTREAM-ID");
    when(line.tag("EXT-X-DEFINE").is_some(), 8, "EXT-X-DEFINE");
    when(line.tag("EXT-X-SKIP").is_some(), 9, "EXT-X-SKIP");
    when(has("EXT-X-SKIP", "RECENTLY-REMOVED-DATERANGES"), 10, "RECENTLY-REMOVED-DATERANGES");
    when(has("EXT-X-DEFINE", "QUERYPARAM="), 11, "QUERYPARAM in EXT-X-DEFINE");
    needs
}
