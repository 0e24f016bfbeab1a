//! Lines of a playlist (4.1, 4.4.1.1).

use std::borrow::Cow;

use super::{MAX_BYTES, attributes::Attributes, finding::Findings};

/// A line that is a tag or an address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) content: Content<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// Name and what follows its colon.
    Tag(&'a str, &'a str),
    Uri(&'a str),
}

impl<'a> Line<'a> {
    /// The value of the tag `name`, if it is that.
    pub(super) fn tag(&self, name: &str) -> Option<&'a str> {
        match self.content {
            Content::Tag(found, value) if found == name => Some(value),
            _ => None,
        }
    }

    pub(super) fn tag_name_in(&self, names: &[&str]) -> bool {
        matches!(self.content, Content::Tag(name, _) if names.contains(&name))
    }

    /// The attributes of the tag `name`, if it is that.
    pub(super) fn attributes(&self, name: &str, findings: &mut Findings) -> Option<Attributes<'a>> {
        self.tag(name).map(|value| Attributes::read(self.number, value, findings))
    }
}

/// The text as far as it can be read.
pub(super) fn text<'a>(bytes: &'a [u8], findings: &mut Findings) -> Cow<'a, str> {
    let bytes = if bytes.len() > MAX_BYTES {
        findings.warning(1, "4.1", "longer than 16 MiB: the rest is not looked at");
        &bytes[..MAX_BYTES]
    } else {
        bytes
    };
    let bytes = match bytes.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) => {
            findings.error(1, "4.1", "begins with a byte order mark");
            rest
        }
        None => bytes,
    };
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, Cow::Owned(_)) {
        let line = text.split('\n').position(|line| line.contains('\u{fffd}')).unwrap_or(0) + 1;
        findings.error(line, "4.1", "is not UTF-8");
    }
    text
}

/// Tags and addresses; comments and empty lines are left out.
pub(super) fn lines<'a>(text: &'a str, findings: &mut Findings) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.chars().any(char::is_control) {
            findings.error(number, "4.1", "has control characters");
        }
        if number == 1 && line.trim_end() != "#EXTM3U" {
            findings.error(1, "4.4.1.1", "the first line is not #EXTM3U");
        }
        let content = match line.strip_prefix("#EXT") {
            Some(tag) => {
                let name_length = tag.find(':').unwrap_or(tag.len());
                let name = &line[1..4 + name_length];
                Content::Tag(name, tag.get(name_length + 1..).unwrap_or_default())
            }
            None if line.starts_with('#') || line.trim().is_empty() => continue,
            None => Content::Uri(line),
        };
        if matches!(content, Content::Uri(uri) if uri.trim() != uri) {
            findings.error(number, "4.1", "white space before or after an address");
        }
        lines.push(Line { number, content });
    }
    lines
}
