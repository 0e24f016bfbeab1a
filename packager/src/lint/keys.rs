//! EXT-X-KEY and EXT-X-SESSION-KEY (4.4.4.4, 4.4.6.5).

use std::collections::BTreeSet;

use super::{
    attributes::{Attributes, excerpt},
    finding::Findings,
    lines::Line,
};

const CLAUSE: &str = "4.4.4.4";
const SESSION: &str = "4.4.6.5";
/// Keys that are held against others, at most: each against each.
const MAX_KEYS: usize = 1000;
/// How a segment may be encrypted.
const METHODS: [&str; 3] = ["AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR"];
/// What a key is in, where nothing is said.
const IDENTITY: &str = "identity";

/// What a tag says of a key, as far as two tags must agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) line: usize,
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) format: String,
    pub(super) versions: String,
}

/// Checks the keys of a media playlist; those that it names, each once.
pub(super) fn check(lines: &[Line<'_>], findings: &mut Findings) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut known = BTreeSet::new();
    // Whether segments from here on are encrypted whole, and by a vector of their number.
    let mut counted = false;
    for line in lines {
        if let Some(list) = line.attributes("EXT-X-KEY", findings) {
            let method = method(line.number, &list, CLAUSE, findings);
            counted = method == Some("AES-128") && list.get("IV").is_none();
            let key = key(line.number, &list);
            let is_kept = method != Some("NONE") && keys.len() < MAX_KEYS;
            if is_kept && known.insert(Key { line: 0, ..key.clone() }) {
                keys.push(key);
            }
        } else if counted && line.tag("EXT-X-MAP").is_some() {
            let what = "an initialisation that is encrypted by AES-128 needs IV in its EXT-X-KEY";
            findings.error(line.number, "4.4.4.5", what);
        }
    }
    keys
}

/// Checks the keys of a multivariant playlist; those that it names.
pub(super) fn check_session(lines: &[Line<'_>], findings: &mut Findings) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut known = BTreeSet::new();
    for line in lines {
        let Some(list) = line.attributes("EXT-X-SESSION-KEY", findings) else { continue };
        if method(line.number, &list, SESSION, findings) == Some("NONE") {
            findings.error(line.number, SESSION, "METHOD is NONE");
        }
        let key = key(line.number, &list);
        let vector = list.get("IV").unwrap_or_default();
        if !known.insert((Key { line: 0, ..key.clone() }, vector)) {
            findings.error(line.number, SESSION, "the same key stands there twice");
        }
        if keys.len() < MAX_KEYS {
            keys.push(key);
        }
    }
    keys
}

/// Keys of a session must be told as the playlists tell them: what does not agree with keys of the
/// same address.
pub(super) fn disagreements(session: &[Key], keys: &[Key]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for ours in session {
        let same = keys.iter().filter(|key| key.uri == ours.uri);
        for (name, of) in [
            ("METHOD", (|key| &key.method) as fn(&Key) -> &String),
            ("KEYFORMAT", |key| &key.format),
            ("KEYFORMATVERSIONS", |key| &key.versions),
        ] {
            let other = same.clone().find(|key| of(key) != of(ours));
            found.extend(other.map(|key| {
                let (ours_is, is) = (excerpt(of(ours)), excerpt(of(key)));
                let what = format!("{name} is '{is}', and in EXT-X-SESSION-KEY '{ours_is}'");
                (key.line, what)
            }));
        }
    }
    found
}

fn key(line: usize, list: &Attributes<'_>) -> Key {
    let text = |name: &str, otherwise: &str| list.get(name).unwrap_or(otherwise).to_owned();
    Key {
        line,
        method: text("METHOD", ""),
        uri: text("URI", ""),
        format: text("KEYFORMAT", IDENTITY),
        versions: text("KEYFORMATVERSIONS", "1"),
    }
}

/// Rules of one tag; its method.
fn method<'a>(
    line: usize,
    list: &Attributes<'a>,
    clause: &'static str,
    findings: &mut Findings,
) -> Option<&'a str> {
    list.quotes(&["URI", "KEYFORMAT", "KEYFORMATVERSIONS"], clause, findings);
    let method = list.needed("METHOD", clause, findings);
    if method == Some("NONE") {
        let others = ["URI", "IV", "KEYFORMAT", "KEYFORMATVERSIONS"];
        if others.iter().any(|name| list.get(name).is_some()) {
            findings.error(line, clause, "METHOD=NONE stands with other attributes");
        }
    } else if method.is_some() {
        list.word("METHOD", &METHODS, clause, findings);
        list.needed("URI", clause, findings);
    }
    if list.get("IV").is_some_and(|vector| !is_vector(vector)) {
        findings.error(line, clause, "IV is not 0x and 32 hexadecimal digits");
    }
    if list.get("KEYFORMATVERSIONS").is_some_and(|versions| !are_versions(versions)) {
        findings.error(line, clause, "KEYFORMATVERSIONS is not positive numbers between slashes");
    }
    method
}

fn is_vector(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn are_versions(text: &str) -> bool {
    text.split('/').all(|version| super::media::integer(version).is_some_and(|version| version > 0))
}
