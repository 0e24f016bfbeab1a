//! Multivariant playlists (4.4.6).

use std::collections::BTreeSet;

use super::{
    attributes::{Attributes, excerpt},
    finding::Findings,
    lines::{Content, Line},
};

/// Groups that variants name, and their types.
const GROUPS: [(&str, &str); 4] = [
    ("AUDIO", "AUDIO"),
    ("VIDEO", "VIDEO"),
    ("SUBTITLES", "SUBTITLES"),
    ("CLOSED-CAPTIONS", "CLOSED-CAPTIONS"),
];

/// Checks it; the playlists that it names.
pub(super) fn check(lines: &[Line<'_>], findings: &mut Findings) -> Vec<String> {
    let mut playlists = Playlists::default();
    let groups = renditions(lines, &mut playlists, findings);
    variants(lines, &groups, &mut playlists, findings);
    i_frames(lines, &mut playlists, findings);
    playlists.names
}

/// Addresses, each once, in order.
#[derive(Default)]
struct Playlists {
    names: Vec<String>,
    known: BTreeSet<String>,
}

impl Playlists {
    fn add(&mut self, name: &str) {
        if self.known.insert(name.to_owned()) {
            self.names.push(name.to_owned());
        }
    }
}

/// Type and name of groups that are there.
type Groups<'a> = BTreeSet<(&'a str, &'a str)>;

fn renditions<'a>(
    lines: &[Line<'a>],
    playlists: &mut Playlists,
    findings: &mut Findings,
) -> Groups<'a> {
    const CLAUSE: &str = "4.4.6.1";
    let mut groups = Groups::new();
    let mut names = BTreeSet::new();
    let mut defaults = BTreeSet::new();
    for line in lines {
        let Some(list) = line.attributes("EXT-X-MEDIA", findings) else { continue };
        let number = line.number;
        list.quotes(&["GROUP-ID", "NAME", "LANGUAGE", "URI", "CHANNELS"], CLAUSE, findings);
        let kind = list.needed("TYPE", CLAUSE, findings).unwrap_or_default();
        let types = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"];
        list.word("TYPE", &types, CLAUSE, findings);
        let group = list.needed("GROUP-ID", CLAUSE, findings).unwrap_or_default();
        let name = list.needed("NAME", CLAUSE, findings).unwrap_or_default();
        rendition(number, kind, &list, findings);
        groups.insert((kind, group));
        if !names.insert((kind, group, name)) {
            let what = format!("the group has two renditions of the name '{}'", excerpt(name));
            findings.error(number, "4.4.6.1.1", what);
        }
        if list.get("DEFAULT") == Some("YES") && !defaults.insert((kind, group)) {
            findings.error(number, "4.4.6.1.1", "the group has two defaults");
        }
        list.get("URI").into_iter().for_each(|uri| playlists.add(uri));
    }
    groups
}

/// Rules of one rendition.
fn rendition(number: usize, kind: &str, list: &Attributes<'_>, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.6.1";
    for name in ["DEFAULT", "AUTOSELECT", "FORCED"] {
        list.word(name, &["YES", "NO"], CLAUSE, findings);
    }
    if list.get("DEFAULT") == Some("YES") && list.get("AUTOSELECT") == Some("NO") {
        findings.error(number, CLAUSE, "DEFAULT=YES stands with AUTOSELECT=NO");
    }
    if list.get("FORCED").is_some() && kind != "SUBTITLES" {
        findings.error(number, CLAUSE, "FORCED belongs to subtitles");
    }
    match kind {
        "CLOSED-CAPTIONS" => {
            list.needed("INSTREAM-ID", CLAUSE, findings);
            if list.get("URI").is_some() {
                findings.error(number, CLAUSE, "closed captions have no URI");
            }
        }
        "SUBTITLES" => {
            list.needed("URI", CLAUSE, findings);
        }
        "AUDIO" if list.get("CHANNELS").is_none() => {
            findings.warning(number, CLAUSE, "CHANNELS is missing");
        }
        _ => {}
    }
}

fn variants<'a>(
    lines: &[Line<'a>],
    groups: &Groups<'a>,
    playlists: &mut Playlists,
    findings: &mut Findings,
) {
    const CLAUSE: &str = "4.4.6.2";
    let mut open: Option<usize> = None;
    let mut captions = BTreeSet::new();
    let mut last_line = 1;
    for line in lines {
        let number = line.number;
        if let Content::Uri(uri) = line.content {
            match open.take() {
                Some(_) => playlists.add(uri),
                None => findings.error(number, CLAUSE, "an address without EXT-X-STREAM-INF"),
            }
            continue;
        }
        let Some(list) = line.attributes("EXT-X-STREAM-INF", findings) else { continue };
        if let Some(before) = open.replace(number) {
            findings.error(before, CLAUSE, "no address after EXT-X-STREAM-INF");
        }
        stream(number, &list, CLAUSE, findings);
        list.quotes(&["CODECS", "AUDIO", "VIDEO", "SUBTITLES"], CLAUSE, findings);
        for (attribute, kind) in GROUPS {
            let Some(group) = list.get(attribute) else { continue };
            let none = attribute == "CLOSED-CAPTIONS" && group == "NONE";
            if !none && !groups.contains(&(kind, group)) {
                let what = format!("there is no group '{}' of {kind}", excerpt(group));
                findings.error(number, CLAUSE, what);
            }
        }
        captions.insert(list.get("CLOSED-CAPTIONS") == Some("NONE"));
        last_line = number;
    }
    if let Some(line) = open {
        findings.error(line, CLAUSE, "no address after EXT-X-STREAM-INF");
    }
    if captions.len() > 1 {
        let what = "CLOSED-CAPTIONS=NONE must stand on all variants or on none";
        findings.error(last_line, CLAUSE, what);
    }
}

fn i_frames(lines: &[Line<'_>], playlists: &mut Playlists, findings: &mut Findings) {
    const CLAUSE: &str = "4.4.6.3";
    for line in lines {
        let Some(list) = line.attributes("EXT-X-I-FRAME-STREAM-INF", findings) else { continue };
        stream(line.number, &list, CLAUSE, findings);
        list.quotes(&["CODECS", "URI"], CLAUSE, findings);
        for name in ["FRAME-RATE", "AUDIO", "SUBTITLES", "CLOSED-CAPTIONS"] {
            if list.get(name).is_some() {
                findings.error(line.number, CLAUSE, format!("{name} is not for I-frames"));
            }
        }
        list.needed("URI", CLAUSE, findings).into_iter().for_each(|uri| playlists.add(uri));
    }
}

/// What variants and I-frame playlists share.
fn stream(number: usize, list: &Attributes<'_>, clause: &'static str, findings: &mut Findings) {
    list.needed("BANDWIDTH", clause, findings);
    let peak = list.integer("BANDWIDTH", clause, findings);
    let average = list.integer("AVERAGE-BANDWIDTH", clause, findings);
    if peak.zip(average).is_some_and(|(peak, average)| average > peak) {
        findings.error(number, clause, "AVERAGE-BANDWIDTH is above BANDWIDTH");
    }
    if list.get("CODECS").is_none() {
        findings.warning(number, clause, "CODECS is missing");
    }
    list.seconds("FRAME-RATE", clause, findings);
    list.word("VIDEO-RANGE", &["SDR", "HLG", "PQ"], clause, findings);
    let is_size = |size: &str| {
        let sides = size.split_once('x');
        sides.is_some_and(|(w, h)| super::media::integer(w).and(super::media::integer(h)).is_some())
    };
    if list.get("RESOLUTION").is_some_and(|size| !is_size(size)) {
        findings.error(number, clause, "RESOLUTION is not WIDTHxHEIGHT");
    }
}
