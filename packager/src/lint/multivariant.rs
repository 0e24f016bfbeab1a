//! Multivariant playlists (4.4.6).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    attributes::{Attributes, excerpt},
    finding::Findings,
    keys::{self, Key},
    lines::{Content, Line},
};

/// Groups that variants name, and their types.
const GROUPS: [(&str, &str); 4] = [
    ("AUDIO", "AUDIO"),
    ("VIDEO", "VIDEO"),
    ("SUBTITLES", "SUBTITLES"),
    ("CLOSED-CAPTIONS", "CLOSED-CAPTIONS"),
];

/// What a multivariant playlist lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Multivariant {
    /// Playlists, in order.
    playlists: Vec<(String, Role)>,
    roles: BTreeMap<String, Role>,
    pub(super) session_keys: Vec<Key>,
}

/// What a media playlist is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Variant,
    /// Sound, or another view.
    Rendition,
    Subtitles,
    IFrames,
    /// Of no RFC.
    Images,
}

impl Multivariant {
    /// Playlists as they are named, each once.
    pub(super) fn names(&self) -> Vec<String> {
        self.playlists.iter().map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn role(&self, name: &str) -> Option<Role> {
        self.roles.get(name).copied()
    }

    /// What is named twice is what it was named as first: a soundtrack that is a variant as well.
    fn add(&mut self, name: &str, role: Role) {
        if !self.roles.contains_key(name) {
            self.roles.insert(name.to_owned(), role);
            self.playlists.push((name.to_owned(), role));
        }
    }
}

/// Checks it.
pub(super) fn check(lines: &[Line<'_>], findings: &mut Findings) -> Multivariant {
    let mut main =
        Multivariant { session_keys: keys::check_session(lines, findings), ..Default::default() };
    let groups = renditions(lines, &mut main, findings);
    variants(lines, &groups, &mut main, findings);
    i_frames(lines, &mut main, findings);
    for line in lines {
        let images = line.attributes("EXT-X-IMAGE-STREAM-INF", findings);
        images.and_then(|list| list.get("URI")).into_iter().for_each(|uri| {
            main.add(uri, Role::Images);
        });
    }
    main
}

/// Type and name of groups that are there.
type Groups<'a> = BTreeSet<(&'a str, &'a str)>;
/// Lines and names of the renditions of each.
type Members<'a> = BTreeMap<(&'a str, &'a str), Vec<(usize, &'a str)>>;

fn renditions<'a>(
    lines: &[Line<'a>],
    main: &mut Multivariant,
    findings: &mut Findings,
) -> Groups<'a> {
    const CLAUSE: &str = "4.4.6.1";
    let (mut groups, mut members) = (Groups::new(), Members::new());
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
        let role = if kind == "SUBTITLES" { Role::Subtitles } else { Role::Rendition };
        list.get("URI").into_iter().for_each(|uri| main.add(uri, role));
        members.entry((kind, group)).or_default().push((number, name));
    }
    same_members(&members, findings);
    groups
}

/// Groups of a type have the same members (4.4.6.1.1).
fn same_members(members: &Members<'_>, findings: &mut Findings) {
    let mut firsts: BTreeMap<&str, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for ((kind, group), own) in members {
        let names = own.iter().map(|(_, name)| *name).collect();
        let (first, expected) =
            firsts.entry(kind).or_insert_with(|| (group, BTreeSet::clone(&names)));
        if names != *expected {
            let (group, first) = (excerpt(group), excerpt(first));
            let what = format!("the group '{group}' has not the members that '{first}' has");
            findings.error(own.first().map_or(1, |(line, _)| *line), "4.4.6.1.1", what);
        }
    }
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
    main: &mut Multivariant,
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
                Some(_) => main.add(uri, Role::Variant),
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

fn i_frames(lines: &[Line<'_>], main: &mut Multivariant, findings: &mut Findings) {
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
        list.needed("URI", CLAUSE, findings).into_iter().for_each(|uri| {
            main.add(uri, Role::IFrames);
        });
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
