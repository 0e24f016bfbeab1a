//! The words of the catalogue.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a video stands. The order is that of time: states only move forward.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = VideoState)]
pub enum State {
    /// It is known by name alone.
    AwaitingUpload,
    /// An upload was created.
    Uploading,
    /// The source is stored whole.
    Queued,
    /// The plan is made.
    Encoding,
    /// Players can start.
    Playable,
    /// Players that start now do not stall.
    PlaysThrough,
    /// All is encoded.
    Ready,
    /// It will not be encoded: the reason says why.
    Failed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AwaitingUpload,
        Self::Uploading,
        Self::Queued,
        Self::Encoding,
        Self::Playable,
        Self::PlaysThrough,
        Self::Ready,
        Self::Failed,
    ];

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingUpload => "awaiting_upload",
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Encoding => "encoding",
            Self::Playable => "playable",
            Self::PlaysThrough => "plays_through",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// An update happens where the rank grows: the two last states are equal, so that neither
    /// follows the other.
    pub(crate) fn rank(self) -> i64 {
        self.min(Self::Ready) as i64
    }

    /// Whether players have something to play.
    pub fn has_playback(self) -> bool {
        matches!(self, Self::Playable | Self::PlaysThrough | Self::Ready)
    }
}

impl FromStr for State {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// Who may watch a video.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Its owner, and who has a playback token.
    #[default]
    Private,
    /// Anyone who has the address.
    Public,
}

impl Visibility {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }
}

impl FromStr for Visibility {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "private" => Ok(Self::Private),
            "public" => Ok(Self::Public),
            _ => Err(UnknownWord(text.to_owned())),
        }
    }
}

/// A word that none of an enumeration's values is written as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is none of the known words")]
pub struct UnknownWord(String);

/// Names an upload: a UUIDv7, part of its URL and of its spool file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(pub Uuid);

impl UploadId {
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for UploadId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// How far an upload's life went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadState {
    /// Bytes may come.
    Active,
    /// The source is stored.
    Finished,
    /// Its owner gave it up.
    Terminated,
    /// Nothing came for too long.
    Expired,
}

impl UploadState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Finished => "finished",
            Self::Terminated => "terminated",
            Self::Expired => "expired",
        }
    }
}

impl FromStr for UploadState {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Active, Self::Finished, Self::Terminated, Self::Expired];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// Why a video failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// A stable word.
    pub(crate) code: String,
    /// A sentence.
    pub(crate) message: String,
}

impl Reason {
    pub(crate) fn new(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_on_the_wire_and_in_the_database() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for visibility in [Visibility::Private, Visibility::Public] {
            assert_eq!(visibility.as_str().parse(), Ok(visibility));
            assert_eq!(serde_json::to_value(visibility).unwrap(), visibility.as_str());
        }
    }

    #[test]
    fn nothing_follows_the_end() {
        let ranks = State::ALL.map(State::rank);
        assert!(ranks.windows(2).take(6).all(|pair| pair[0] < pair[1]));
        assert_eq!(State::Ready.rank(), State::Failed.rank());
    }
}
