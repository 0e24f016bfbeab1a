//! Names people chose, made safe for manifests.

/// `text` without characters that neither an HLS quoted string (RFC 8216 4.2) nor XML 1.0 can
/// hold.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_a_manifest_cannot_hold() {
        assert_eq!(printable("Engl\nish\u{0}\u{ffff} é"), "English é");
    }
}
