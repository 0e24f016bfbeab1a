//! Attribute lists (4.2).

use super::finding::Findings;

/// The attributes of a tag.
#[derive(Debug, Clone)]
pub(super) struct Attributes<'a> {
    line: usize,
    pairs: Vec<(&'a str, Value<'a>)>,
}

/// A value: quoted, or as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    quoted: bool,
}

impl<'a> Attributes<'a> {
    pub(super) fn read(line: usize, list: &'a str, findings: &mut Findings) -> Self {
        let mut pairs: Vec<(&str, Value<'_>)> = Vec::new();
        let mut rest = list;
        while !rest.is_empty() {
            let Some((name, after)) = rest.split_once('=') else {
                findings.error(line, "4.2", format!("'{}' has no value", excerpt(rest)));
                break;
            };
            let Some((value, after)) = value(after) else {
                findings.error(line, "4.2", format!("the quotes of {} do not end", excerpt(name)));
                break;
            };
            let is_name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
            if name.is_empty() || !name.bytes().all(is_name) {
                findings.error(line, "4.2", format!("'{}' is no name", excerpt(name)));
            }
            if pairs.iter().any(|(known, _)| *known == name) {
                findings.error(line, "4.2", format!("{} is there twice", excerpt(name)));
            }
            // Lists of ours and others' are short; each name is held against those before it.
            if pairs.len() == 64 {
                findings.warning(line, "4.2", "more than 64 attributes: the rest is not looked at");
                break;
            }
            pairs.push((name, value));
            rest = match after.strip_prefix(',') {
                Some(rest) => rest,
                None if after.is_empty() => after,
                None => {
                    let what = format!("no comma before '{}'", excerpt(after));
                    findings.error(line, "4.2", what);
                    break;
                }
            };
        }
        Self { line, pairs }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.text)
    }

    /// A value that must be there.
    pub(super) fn needed(
        &self,
        name: &str,
        clause: &'static str,
        findings: &mut Findings,
    ) -> Option<&'a str> {
        let found = self.get(name);
        if found.is_none() {
            findings.error(self.line, clause, format!("{name} is missing"));
        }
        found
    }

    /// That these are quoted, and others not.
    pub(super) fn quotes(&self, quoted: &[&str], clause: &'static str, findings: &mut Findings) {
        for (name, value) in &self.pairs {
            if quoted.contains(name) && !value.quoted {
                findings.error(self.line, clause, format!("{name} is not quoted"));
            }
        }
    }

    /// A value that must be one of `words`.
    pub(super) fn word(
        &self,
        name: &str,
        words: &[&str],
        clause: &'static str,
        findings: &mut Findings,
    ) -> Option<&'a str> {
        let found = self.get(name)?;
        if !words.contains(&found) {
            let what = format!("{name} is '{}', not {}", excerpt(found), words.join(" or "));
            findings.error(self.line, clause, what);
        }
        Some(found)
    }

    /// A whole number.
    pub(super) fn integer(
        &self,
        name: &str,
        clause: &'static str,
        findings: &mut Findings,
    ) -> Option<u64> {
        self.number((name, "a whole number"), super::media::integer, clause, findings)
    }

    /// Seconds with a fraction, as microseconds.
    pub(super) fn seconds(
        &self,
        name: &str,
        clause: &'static str,
        findings: &mut Findings,
    ) -> Option<u64> {
        self.number((name, "a number of seconds"), super::media::micros, clause, findings)
    }

    fn number(
        &self,
        (name, kind): (&str, &str),
        parse: impl FnOnce(&str) -> Option<u64>,
        clause: &'static str,
        findings: &mut Findings,
    ) -> Option<u64> {
        let found = self.get(name)?;
        let number = parse(found);
        if number.is_none() {
            let what = format!("{name} is '{}', not {kind}", excerpt(found));
            findings.error(self.line, clause, what);
        }
        number
    }
}

/// The value at the beginning of `text`, and what follows it; `None` if its quotes do not end.
fn value(text: &str) -> Option<(Value<'_>, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (text, rest) = quoted.split_once('"')?;
        return Some((Value { text, quoted: true }, rest));
    }
    let end = text.find(',').unwrap_or(text.len());
    Some((Value { text: &text[..end], quoted: false }, &text[end..]))
}

/// Of something long, its beginning.
pub(super) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
