//! Identifiers. Videos and jobs are UUIDv7 (RFC 9562), minted by the services, so that ids sort
//! by age; tracks and accounts are short words that appear in object keys and URLs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a UUID in its hyphenated form.
    #[error("'{0}' is not an id: expected a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
    Uuid(String),
    /// Not 1 to 64 characters of `a-z`, `0-9` and `-`.
    #[error("'{0}' is not a valid name: use 1 to 64 characters of a-z, 0-9 and '-'")]
    Word(String),
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                // `Uuid` parses four spellings; object keys and URLs have one.
                let id = Uuid::parse_str(text).map_err(|_| IdError::Uuid(text.to_owned()))?;
                if id.hyphenated().to_string() != text {
                    return Err(IdError::Uuid(text.to_owned()));
                }
                Ok(Self(id))
            }
        }
    };
}

uuid_id!(
    /// A video in the catalogue.
    VideoId
);
uuid_id!(
    /// A job of the transcoding backlog.
    JobId
);

macro_rules! word_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks that `text` is 1 to 64 characters of `a-z`, `0-9` and `-`.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                if text.is_empty() || text.len() > 64 || !text.bytes().all(word) {
                    return Err(IdError::Word(text));
                }
                Ok(Self(text))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

word_id!(
    /// A track of one presentation: `v1080`, `a-en`, `t-en`. Part of object keys and URLs.
    TrackId
);
word_id!(
    /// The tenant that owns a video. On every row, job and event.
    AccountId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling() {
        let id: VideoId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(id.to_string(), "01890a5d-ac96-774b-bcce-b302099a8057");
        assert!("01890A5D-AC96-774B-BCCE-B302099A8057".parse::<VideoId>().is_err());
        assert!("01890a5dac96774bbcceb302099a8057".parse::<VideoId>().is_err());
    }

    #[test]
    fn words_never_leave_their_folder() {
        for bad in ["", "..", "a/b", "A", "ü", &"x".repeat(65)] {
            assert!(TrackId::new(bad).is_err(), "{bad}");
        }
        assert_eq!(TrackId::new("v1080").unwrap().as_str(), "v1080");
    }
}
