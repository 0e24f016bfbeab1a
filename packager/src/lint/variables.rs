//! EXT-X-DEFINE, and the variables that addresses and attributes name (4.3, 4.4.2.3).

use std::collections::BTreeSet;

use super::{
    attributes::{Attributes, excerpt},
    finding::Findings,
    lines::{Content, Line},
};

const CLAUSE: &str = "4.4.2.3";

pub(super) fn check(lines: &[Line<'_>], is_multivariant: bool, findings: &mut Findings) {
    let mut known = BTreeSet::new();
    for line in lines {
        if let Some(list) = line.attributes("EXT-X-DEFINE", findings) {
            let name = define(line.number, &list, is_multivariant, findings);
            if let Some(name) = name.filter(|name| !known.insert(*name)) {
                let what = format!("the variable '{}' is defined twice", excerpt(name));
                findings.error(line.number, CLAUSE, what);
            }
            continue;
        }
        let text = match line.content {
            Content::Tag(_, value) => value,
            Content::Uri(uri) => uri,
        };
        for name in references(text).filter(|name| !known.contains(name)) {
            let what = format!("the variable '{}' is not defined before", excerpt(name));
            findings.error(line.number, "4.3", what);
        }
    }
}

/// Answers the name it defines.
fn define<'a>(
    line: usize,
    list: &Attributes<'a>,
    is_multivariant: bool,
    findings: &mut Findings,
) -> Option<&'a str> {
    let kinds = ["NAME", "IMPORT", "QUERYPARAM"];
    let mut named = kinds.into_iter().filter_map(|kind| Some((kind, list.get(kind)?)));
    list.quotes(&["NAME", "VALUE", "IMPORT", "QUERYPARAM"], CLAUSE, findings);
    let Some((kind, name)) = named.next() else {
        findings.error(line, CLAUSE, "NAME, IMPORT and QUERYPARAM are all missing");
        return None;
    };
    if named.next().is_some() {
        findings.error(line, CLAUSE, "only one of NAME, IMPORT and QUERYPARAM may stand there");
    }
    match kind {
        "NAME" => {
            list.needed("VALUE", CLAUSE, findings);
        }
        "IMPORT" if is_multivariant => {
            findings.error(line, CLAUSE, "IMPORT stands in a multivariant playlist");
        }
        _ => {}
    }
    if !is_name(name) {
        findings.error(line, CLAUSE, format!("'{}' is no name of a variable", excerpt(name)));
    }
    Some(name)
}

fn is_name(name: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_allowed)
}

/// What stands in `{$…}`.
fn references(text: &str) -> impl Iterator<Item = &str> {
    let opened = text.split("{$").skip(1);
    opened.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).filter(|n| is_name(n))
}
