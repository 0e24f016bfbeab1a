//! Live media playlists with low latency (RFC 8216bis, draft-pantos-hls-rfc8216bis-17): segments
//! come and go, and the parts of the newest are listed before the segment is whole.
//!
//! A [`LivePlaylist`] is the state of one rendition. Whoever takes the media in moves it forward
//! ([`begin`](LivePlaylist::begin), [`push_part`](LivePlaylist::push_part),
//! [`finish`](LivePlaylist::finish), [`trim`](LivePlaylist::trim)), asks whether what a client
//! waits for is there ([`has`](LivePlaylist::has)), and writes it, whole or as a delta
//! ([`write`](LivePlaylist::write)). There is no clock in it: waiting is the server's.
//!
//! Times are ticks of the track. Durations are written as differences of rounded times, so parts
//! add up to their segment and segments to the timeline.

mod date_range;
mod model;
mod position;
mod write;

pub use date_range::DateRange;
pub use model::{ByteRange, Hint, HintKind, Opening, Part, Resource, Settings};
pub use position::{Position, Report};
pub use write::Form;

use std::collections::VecDeque;

use super::media;
use crate::PackagerError;
use model::{Open, Segment, is_quotable};

/// Parts of a segment, at most. A part of a frame at 60 fps in a segment of 15 s is fewer.
const MAX_PARTS: usize = 1000;
/// HOLD-BACK is at least three target durations, and as many must stay in the playlist
/// (RFC 8216bis 4.4.3.8, 6.2.2). Parts further back are no longer listed (4.4.4.9).
const LISTED_TARGETS: u64 = 3;

/// The media playlist of a live rendition.
#[derive(Debug, Clone)]
pub struct LivePlaylist {
    settings: Settings,
    /// Number of the first segment listed.
    first: u64,
    discontinuities: u64,
    segments: VecDeque<Segment>,
    open: Option<Open>,
    hint: Option<Hint>,
    date_ranges: Vec<DateRange>,
    /// Names and values.
    variables: Vec<(String, String)>,
    ended: bool,
}

impl LivePlaylist {
    /// A playlist without segments; the first will have the number `first` (4.4.3.2).
    ///
    /// # Errors
    /// When the timescale or a target is 0, or a part may last longer than a segment.
    pub fn new(settings: Settings, first: u64) -> Result<Self, PackagerError> {
        settings.check(first)?;
        Ok(Self {
            settings,
            first,
            discontinuities: 0,
            segments: VecDeque::new(),
            open: None,
            hint: None,
            date_ranges: Vec::new(),
            variables: Vec::new(),
            ended: false,
        })
    }

    /// Begins a segment, whose parts follow.
    ///
    /// # Errors
    /// When the one before is not finished, the playlist has ended or lists no parts, or the
    /// address of the initialisation segment cannot stand in a playlist.
    pub fn begin(&mut self, opening: Opening) -> Result<(), PackagerError> {
        if self.settings.part_target.is_none() {
            return Err(self.problem("it has parts, and the playlist has no part target"));
        }
        self.may_begin(&opening)?;
        let start = self.end();
        self.open = Some(Open { opening, start, parts: Vec::new(), duration: 0 });
        Ok(())
    }

    /// Adds a part to the segment that is open. A hint of it is taken back: whoever knows the next
    /// hints at that.
    ///
    /// # Errors
    /// When no segment is open, the part lasts no time or longer than the part target, the segment
    /// becomes longer than the target duration or has too many parts, or the part's address cannot
    /// stand in a playlist.
    pub fn push_part(&mut self, part: Part) -> Result<(), PackagerError> {
        let Some(open) = &self.open else { return Err(self.problem("it is not open")) };
        let target = self.settings.part_target.unwrap_or(0);
        let duration = open.duration.saturating_add(part.duration);
        let problem = if part.duration == 0 || part.duration > target {
            Some("a part lasts no time, or longer than the part target")
        } else if !self.settings.holds(open.start, duration) {
            Some("it is longer than the target duration")
        } else if open.parts.len() == MAX_PARTS {
            Some("it has too many parts")
        } else {
            part.resource.problem()
        };
        match (problem, &mut self.open) {
            (None, Some(open)) => {
                open.duration = duration;
                open.parts.push(part);
            }
            (problem, _) => return Err(self.problem(problem.unwrap_or("it is not open"))),
        }
        self.hint = None;
        Ok(())
    }

    /// Ends the segment that is open: `resource` is the whole of it. Returns its number.
    ///
    /// # Errors
    /// When no segment is open or it has no parts, or the address cannot stand in a playlist.
    pub fn finish(&mut self, resource: Resource) -> Result<u64, PackagerError> {
        let has_parts = self.open.as_ref().is_some_and(|open| !open.parts.is_empty());
        if !has_parts {
            return Err(self.problem("it is not open, or has no parts"));
        }
        if let Some(problem) = resource.problem() {
            return Err(self.problem(problem));
        }
        let number = self.next();
        if let Some(Open { opening, start, parts, duration }) = self.open.take() {
            // What lacks all parts lacks the whole.
            let gap = parts.iter().all(|part| part.gap);
            self.segments.push_back(Segment { opening, start, duration, resource, gap, parts });
        }
        Ok(number)
    }

    /// Adds a whole segment without parts. With `gap` its media is missing and players skip it
    /// (4.4.4.7). Returns its number.
    ///
    /// # Errors
    /// As [`Self::begin`], or when it lasts no time or longer than the target duration.
    pub fn push_segment(
        &mut self,
        opening: Opening,
        duration: u64,
        resource: Resource,
        gap: bool,
    ) -> Result<u64, PackagerError> {
        self.may_begin(&opening)?;
        let start = self.end();
        if duration == 0 || !self.settings.holds(start, duration) {
            return Err(self.problem("it lasts no time, or longer than the target duration"));
        }
        if let Some(problem) = resource.problem() {
            return Err(self.problem(problem));
        }
        let number = self.next();
        let parts = Vec::new();
        self.segments.push_back(Segment { opening, start, duration, resource, gap, parts });
        Ok(number)
    }

    /// Names what clients may ask for before it is there (4.4.5.3), or nothing.
    ///
    /// # Errors
    /// When its address cannot stand in a playlist.
    pub fn hint(&mut self, hint: Option<Hint>) -> Result<(), PackagerError> {
        if let Some(problem) = hint.as_ref().and_then(Hint::problem) {
            return Err(self.problem(problem));
        }
        self.hint = hint;
        Ok(())
    }

    /// Defines a variable: `{$name}` in addresses stands for `value` (4.4.2.3).
    ///
    /// Of use where segments lie elsewhere than the playlist and under an address that is long or
    /// differs from viewer to viewer, such as a token of another host's: then it stands once, and
    /// all else is the same text for all. Kinora's own tokens stand in the path, where relative
    /// addresses inherit them, and need none.
    ///
    /// # Errors
    /// When the name has other characters than letters, digits, `-` and `_`, is defined already, or
    /// the value cannot be quoted.
    pub fn define(&mut self, name: &str, value: &str) -> Result<(), PackagerError> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let is_name = !name.is_empty() && name.bytes().all(is_allowed);
        if !is_name || !is_quotable(value) || self.variables.iter().any(|(it, _)| it == name) {
            return Err(self.problem("a variable is unfit, or defined already"));
        }
        self.variables.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Removes segments from the front as long as `window` ticks are left, and never so many that
    /// less than three target durations are (6.2.2).
    pub fn trim(&mut self, window: u64) {
        let kept = window.max(self.settings.targets(LISTED_TARGETS));
        let end = self.end();
        while let Some(first) = self.segments.front() {
            if self.ended || end.saturating_sub(first.end()) < kept {
                break;
            }
            self.discontinuities += u64::from(first.opening.discontinuity);
            self.first += 1;
            self.segments.pop_front();
        }
        self.trim_date_ranges();
    }

    /// Ends it: nothing follows. A segment that is open is left out with its parts, which players
    /// may have shown; finish it first.
    pub fn finish_stream(&mut self) {
        self.open = None;
        self.hint = None;
        self.ended = true;
    }

    /// Whether it has ended; delivery directives are then without meaning (6.2.5).
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn may_begin(&self, opening: &Opening) -> Result<(), PackagerError> {
        let problem = if self.ended {
            Some("it follows the end of the playlist")
        } else if self.open.is_some() {
            Some("it is not finished")
        } else {
            opening.map.problem()
        };
        problem.map_or(Ok(()), |problem| Err(self.problem(problem)))
    }

    /// Number of the segment that is open or comes next.
    fn next(&self) -> u64 {
        self.first.saturating_add(self.segments.len() as u64)
    }

    /// Where what is listed ends, ticks.
    fn end(&self) -> u64 {
        let open = self.open.as_ref().map(|open| open.start.saturating_add(open.duration));
        open.or_else(|| self.segments.back().map(Segment::end)).unwrap_or(0)
    }

    fn problem(&self, problem: &'static str) -> PackagerError {
        PackagerError::Live { segment: self.next(), problem }
    }
}

impl Settings {
    /// Whether a segment rounds to at most the target duration (4.4.3.1).
    fn holds(&self, start: u64, duration: u64) -> bool {
        let micros = media::duration_us(self.timescale, start, duration);
        micros.saturating_add(500_000) / 1_000_000 <= u64::from(self.target_duration_s)
    }

    /// So many target durations, ticks.
    fn targets(&self, count: u64) -> u64 {
        count * u64::from(self.target_duration_s) * u64::from(self.timescale)
    }

    fn check(&self, first: u64) -> Result<(), PackagerError> {
        let longest = self.targets(1);
        let sound = longest > 0
            && self.target_duration_s <= MAX_TARGET_S
            && self.part_target.is_none_or(|part| (1..=longest).contains(&part));
        if sound {
            return Ok(());
        }
        let problem = "a timescale or target is 0, or a part may last longer than a segment";
        Err(PackagerError::Live { segment: first, problem })
    }
}

/// Target durations are seconds, rarely tens of them.
const MAX_TARGET_S: u32 = 3600;
