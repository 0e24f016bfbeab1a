//! Language tags.

use kinora_media::TrackId;

use crate::error::Error;

/// A BCP 47 tag in lower case (RFC 5646 2.1: letters first, then subtags of 1 to 8 letters and
/// digits). 35 characters hold any registered one (RFC 5646 4.4.1).
pub(crate) fn language(tag: &str) -> Result<TrackId, Error> {
    let tag = tag.to_ascii_lowercase();
    let mut subtags = tag.split('-');
    let primary = subtags.next().unwrap_or_default();
    let well_formed = tag.len() <= 35
        && (2..=8).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_lowercase())
        && subtags
            .all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()));
    let bad = || Error::InvalidValue(format!("'{tag}' is not a language tag such as en or pt-BR"));
    if !well_formed {
        return Err(bad());
    }
    TrackId::new(tag.clone()).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_lowered_and_checked() {
        for (tag, lower) in [("en", "en"), ("pt-BR", "pt-br"), ("zh-Hant-TW", "zh-hant-tw")] {
            assert_eq!(language(tag).unwrap().as_str(), lower);
        }
        for bad in ["", "e", "1a", "en-", "en_US", "..", "en/x", "abcdefghi", &"en-a".repeat(20)] {
            assert!(language(bad).is_err(), "{bad}");
        }
    }
}
