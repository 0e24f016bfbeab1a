//! What a player's menu shows of a group.

use std::collections::BTreeSet;

use super::attributes::Attributes;

/// Keeps a group to its rules (4.3.4.1.1): every NAME once, and of each language only one that
/// may be selected without the viewer's doing.
#[derive(Default)]
pub(super) struct Menu {
    names: BTreeSet<String>,
    languages: BTreeSet<String>,
}

impl Menu {
    /// Names an entry.
    pub(super) fn entry(&mut self, list: &mut Attributes, language: &str, name: &str) {
        let wanted = if name.is_empty() { language } else { name };
        let numbered = (2..).map(|n| format!("{wanted} ({n})"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = names.find(|name| self.names.insert(name.clone()));
        list.quoted("NAME", &name.unwrap_or_default());
        if language != "und" {
            list.quoted("LANGUAGE", language);
        }
    }

    /// Whether it is the first entry in this language; to be asked once an entry.
    pub(super) fn first_in(&mut self, language: &str) -> bool {
        self.languages.insert(language.to_owned())
    }
}

/// An enumerated string.
pub(super) fn yes_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}
