//! The file that says which key protects which track.

use kinora_media::TrackId;
use zeroize::Zeroizing;

use super::{ContentKey, KeyId, TrackKey};

/// Keys in a file, at most: more than a presentation has tracks.
const MAX_KEYS: usize = 256;

/// Which key protects which track.
#[derive(Debug, Clone)]
pub struct Keyring {
    rows: Vec<(Option<String>, TrackKey)>,
}

/// Why a key file is not understood. Nothing of the file is repeated: it holds secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// A line that is no key.
    #[error("line {line} is not [LABEL=]KID:KEY, each 32 hexadecimal digits")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// Two keys for the same tracks, or one name for two keys.
    #[error(
        "line {line} says of the same tracks or the same KID something else than line {before}"
    )]
    Twice {
        /// Counted from 1.
        line: usize,
        /// The earlier line.
        before: usize,
    },
    /// Nothing in it.
    #[error("there is no key in it")]
    Empty,
    /// More keys than any presentation has tracks.
    #[error("more than {MAX_KEYS} keys")]
    TooMany,
}

impl Keyring {
    /// Reads lines of `KID:KEY`, each 32 hexadecimal digits, for all tracks, or `LABEL=KID:KEY` for
    /// some: `video`, `audio`, or the name of a track such as `v1080`, which goes before the others.
    /// Empty lines and those that begin with `#` are left out.
    ///
    /// # Errors
    /// When a line is something else, contradicts another, or there is none.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let mut rows: Vec<(Option<String>, TrackKey)> = Vec::new();
        let mut lines: Vec<usize> = Vec::new();
        for (number, text) in text.lines().enumerate() {
            let (line, text) = (number + 1, text.trim());
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (label, key) = row(text).ok_or(KeyFileError::Line { line })?;
            let contradicts = |(other, known): &(Option<String>, TrackKey)| {
                let same_key = known.key.bytes() == key.key.bytes();
                *other == label || (known.id == key.id && !same_key)
            };
            if let Some(before) = rows.iter().position(contradicts) {
                return Err(KeyFileError::Twice { line, before: lines[before] });
            }
            if rows.len() == MAX_KEYS {
                return Err(KeyFileError::TooMany);
            }
            rows.push((label, key));
            lines.push(line);
        }
        if rows.is_empty() { Err(KeyFileError::Empty) } else { Ok(Self { rows }) }
    }

    /// The key of a track: that of its name, else of its kind, else of all.
    pub fn key(&self, track: &TrackId, is_video: bool) -> Option<&TrackKey> {
        let kind = if is_video { "video" } else { "audio" };
        let labelled = |label: Option<&str>| {
            self.rows.iter().find(|(known, _)| known.as_deref() == label).map(|(_, key)| key)
        };
        labelled(Some(track.as_str())).or_else(|| labelled(Some(kind))).or_else(|| labelled(None))
    }

    /// Labels that are of no kind, and so of single tracks.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let labels = self.rows.iter().filter_map(|(label, _)| label.as_deref());
        labels.filter(|label| !matches!(*label, "video" | "audio"))
    }
}

fn row(text: &str) -> Option<(Option<String>, TrackKey)> {
    let (label, pair) = match text.split_once('=') {
        Some((label, pair)) => (Some(label.trim()), pair),
        None => (None, text),
    };
    if label.is_some_and(str::is_empty) {
        return None;
    }
    let (id, key) = pair.split_once(':')?;
    let key = Zeroizing::new(hex(key.trim())?);
    let key = TrackKey { id: KeyId(hex(id.trim())?), key: ContentKey::new(*key) };
    Some((label.map(str::to_owned), key))
}

/// 16 bytes of 32 digits.
pub(super) fn hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16);
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "000102030405060708090a0b0c0d0e0f";
    const B: &str = "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF";

    #[test]
    fn names_go_before_kinds_and_kinds_before_the_rest() {
        let text = format!("# keys\n\n{A}:{A}\naudio = {B}:{B}\r\nv1080=0{}:{B}\n", &A[1..]);
        assert_eq!(Keyring::parse(&text).unwrap_err(), KeyFileError::Twice { line: 5, before: 3 });
        let text = format!("{A}:{A}\naudio={B}:{B}\nv1080=1{}:{B}\n", &A[1..]);
        let keys = Keyring::parse(&text).unwrap();
        let id = |track: &str, is_video| {
            keys.key(&TrackId::new(track).unwrap(), is_video).unwrap().id.0[0]
        };
        assert_eq!((id("v1080", true), id("v480", true), id("a-en", false)), (0x10, 0, 0xf0));
        assert_eq!(keys.named().collect::<Vec<_>>(), ["v1080"]);
    }

    #[test]
    fn faults_name_the_line_and_no_secret() {
        let fault = |text: &str| Keyring::parse(text).unwrap_err().to_string();
        for bad in [
            "secret",
            &format!("{A}:{}", &A[1..]),
            &format!("={A}:{A}"),
            &format!("{A}:{}g", &A[1..]),
        ] {
            assert_eq!(fault(bad), "line 1 is not [LABEL=]KID:KEY, each 32 hexadecimal digits");
        }
        assert_eq!(fault("# nothing"), "there is no key in it");
        assert!(Keyring::parse(&format!("{A}:{}é", &A[2..])).is_err());
    }
}
