//! What a live playlist lists.

use std::sync::Arc;

/// What stays as it is while a playlist lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Ticks a second of every time of the playlist.
    pub timescale: u32,
    /// No segment is longer, rounded to seconds (4.4.3.1).
    pub target_duration_s: u32,
    /// No part is longer, ticks (4.4.3.7); `None` where there are none.
    pub part_target: Option<u64>,
    /// Whether every segment can be decoded without those before it (4.4.2.1).
    pub independent: bool,
}

/// Bytes that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its address as seen from the playlist.
    pub uri: String,
    /// Which bytes; all where it is `None`.
    pub range: Option<ByteRange>,
}

/// Some bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Where they begin.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

/// How a segment begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Its initialisation segment.
    pub map: Arc<Resource>,
    /// Whether timestamps or encoding are others than before (4.4.4.3).
    pub discontinuity: bool,
    /// When its first picture or sound was, microseconds since 1970 (4.4.4.6).
    pub date_time_us: Option<i64>,
}

/// A part of a segment (4.4.4.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it lies.
    pub resource: Resource,
    /// Ticks; at least 85 % of the part target unless it is the last of its segment, begins with a
    /// key frame, or is missing.
    pub duration: u64,
    /// Whether a key frame is in it.
    pub independent: bool,
    /// Whether it is missing.
    pub gap: bool,
}

/// What will be asked for next (4.4.5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// What it is.
    pub kind: HintKind,
    /// Its address.
    pub uri: String,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes; to the end where it is `None`.
    pub length: Option<u64>,
}

/// Kinds of hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintKind {
    /// The next part.
    Part,
    /// The next initialisation segment.
    Map,
}

/// A whole segment.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) opening: Opening,
    /// Ticks since the playlist's first.
    pub(super) start: u64,
    pub(super) duration: u64,
    pub(super) resource: Resource,
    pub(super) gap: bool,
    pub(super) parts: Vec<Part>,
}

/// A segment that is being made.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) opening: Opening,
    pub(super) start: u64,
    pub(super) parts: Vec<Part>,
    /// Of its parts together.
    pub(super) duration: u64,
}

impl Segment {
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(self.duration)
    }
}

impl Resource {
    /// A whole file.
    pub fn file(uri: impl Into<String>) -> Self {
        Self { uri: uri.into(), range: None }
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        address_problem(&self.uri)
    }
}

impl Hint {
    pub(super) fn problem(&self) -> Option<&'static str> {
        address_problem(&self.uri)
    }
}

/// Whether a text can stand in quotes: those have no escapes (4.2).
pub(super) fn is_quotable(text: impl AsRef<str>) -> bool {
    !text.as_ref().contains(|c: char| c.is_control() || c == '"')
}

/// Addresses stand on lines of their own and in quotes (4.1, 4.2).
fn address_problem(uri: &str) -> Option<&'static str> {
    let unfit = uri.is_empty() || uri.starts_with('#') || uri.contains(char::is_whitespace);
    let unfit = unfit || !is_quotable(uri);
    unfit.then_some("an address is empty or cannot stand in a playlist")
}
