//! Attribute lists (RFC 8216 4.2).

use std::fmt::{Display, Write};

use crate::label::printable;

/// Collects `NAME=value` pairs in order.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    text: String,
}

impl Attributes {
    /// A number, resolution or enumerated string, as it is.
    pub(super) fn plain(&mut self, name: &str, value: impl Display) -> &mut Self {
        let comma = if self.text.is_empty() { "" } else { "," };
        write!(self.text, "{comma}{name}={value}").expect("a String takes any text");
        self
    }

    /// A quoted string. It has no escapes, so quotation marks become apostrophes.
    pub(super) fn quoted(&mut self, name: &str, value: &str) -> &mut Self {
        let value = printable(value).replace('"', "'");
        self.plain(name, format_args!("\"{value}\""))
    }

    /// The tag with its attributes, one line.
    pub(super) fn line(&self, tag: &str) -> String {
        format!("#{tag}:{}\n", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        let mut list = Attributes::default();
        list.plain("TYPE", "AUDIO").quoted("NAME", "a\"b\nURI=\"x");
        assert_eq!(list.line("EXT-X-MEDIA"), "#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a'bURI='x\"\n");
    }
}
