//! How far a playlist has come, and whether what a client waits for is there (RFC 8216bis
//! 6.2.5.2).

use super::LivePlaylist;

/// The newest of a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Media sequence number of the last segment, or of the one that is open if it has parts.
    pub segment: u64,
    /// The last part of that segment, from 0, where it has any.
    pub part: Option<u64>,
}

/// How far another rendition of the stream has come (4.4.5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Address of its playlist as seen from this one, without directives.
    pub uri: String,
    /// How far.
    pub position: Position,
}

impl LivePlaylist {
    /// How far it has come; `None` while it lists nothing.
    pub fn position(&self) -> Option<Position> {
        let last = |parts: usize| (parts as u64).checked_sub(1);
        if let Some(open) = self.open.as_ref().filter(|open| !open.parts.is_empty()) {
            return Some(Position { segment: self.next(), part: last(open.parts.len()) });
        }
        let segment = self.segments.back()?;
        Some(Position { segment: self.next().checked_sub(1)?, part: last(segment.parts.len()) })
    }

    /// Number of the last segment that is whole.
    pub fn last_segment(&self) -> Option<u64> {
        if self.segments.is_empty() { None } else { self.next().checked_sub(1) }
    }

    /// Whether the playlist lists this segment, this part of it, or anything later: then a request
    /// for it is answered at once (`_HLS_msn`, `_HLS_part`).
    ///
    /// A part after the last of a whole segment is the first of the next.
    pub fn has(&self, segment: u64, part: Option<u64>) -> bool {
        let next = self.next();
        let Some(part) = part else { return segment < next };
        let count = match segment.checked_sub(self.first) {
            // Long gone.
            None => return true,
            Some(index) => self.segments.get(usize::try_from(index).unwrap_or(usize::MAX)),
        };
        let open = self.open.as_ref().map_or(0, |open| open.parts.len() as u64);
        match count {
            // Of a segment that has none in the list, nothing is waited for.
            Some(whole) if part < whole.parts.len() as u64 => true,
            Some(_) => segment.saturating_add(1) < next || open > 0,
            None => segment == next && part < open,
        }
    }
}
