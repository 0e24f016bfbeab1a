//! What happens at some time (RFC 8216bis 4.4.5.1).

use super::{LivePlaylist, model::is_quotable};
use crate::{
    PackagerError,
    hls::{attributes::Attributes, media::Seconds},
    time::date_time,
};

/// Date ranges that a playlist lists at once, at most.
const MAX_RANGES: usize = 1000;

/// A range of time with what clients should know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateRange {
    /// Tells it from others of the playlist.
    pub id: String,
    /// Ranges of one class mean the same and do not overlap.
    pub class: Option<String>,
    /// Microseconds since 1970.
    pub start_us: i64,
    /// How long it lasted, microseconds; `None` while it is not known.
    pub duration_us: Option<u64>,
    /// How long it is meant to last, microseconds.
    pub planned_duration_us: Option<u64>,
    /// Whether it ends where the next of its class begins.
    pub end_on_next: bool,
    /// Attributes of one's own: names that begin with `X-`, and texts.
    pub attributes: Vec<(String, String)>,
}

impl LivePlaylist {
    /// Lists a date range, in the place of an earlier one of the same id. It is written as soon as
    /// a segment is listed that says when it was, and goes with the segments of its time.
    ///
    /// # Errors
    /// When an attribute cannot be written or contradicts another, or there are too many.
    pub fn put_date_range(&mut self, range: DateRange) -> Result<(), PackagerError> {
        if let Some(problem) = range.problem() {
            return Err(self.problem(problem));
        }
        if let Some(known) = self.date_ranges.iter_mut().find(|known| known.id == range.id) {
            *known = range;
        } else if self.date_ranges.len() < MAX_RANGES {
            self.date_ranges.push(range);
        } else {
            return Err(self.problem("there are too many date ranges"));
        }
        Ok(())
    }

    /// Removes date ranges that end before the first segment.
    pub(super) fn trim_date_ranges(&mut self) {
        let first = self.segments.front().and_then(|first| first.opening.date_time_us);
        let Some(first) = first else { return };
        let all = self.date_ranges.clone();
        self.date_ranges.retain(|range| !range.ends_before(first, &all));
    }
}

impl DateRange {
    fn ends_before(&self, time_us: i64, all: &[Self]) -> bool {
        if let Some(duration) = self.duration_us {
            return self.start_us.saturating_add_unsigned(duration) <= time_us;
        }
        let is_next = |other: &Self| {
            other.class == self.class && other.start_us > self.start_us && other.start_us <= time_us
        };
        self.end_on_next && all.iter().any(is_next)
    }

    fn problem(&self) -> Option<&'static str> {
        let is_name = |name: &str| {
            let is_allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
            name.starts_with("X-") && name.len() > 2 && name.bytes().all(is_allowed)
        };
        let texts = [Some(&self.id), self.class.as_ref()];
        let values = self.attributes.iter().map(|(_, value)| value);
        if self.id.is_empty() || !texts.into_iter().flatten().chain(values).all(is_quotable) {
            Some("a date range has a text that cannot be quoted, or no id")
        } else if !self.attributes.iter().all(|(name, _)| is_name(name)) {
            Some("the names of a date range's own attributes begin with X-")
        } else if self.end_on_next && (self.class.is_none() || self.duration_us.is_some()) {
            Some("a date range that ends on the next of its class needs one, and no duration")
        } else {
            None
        }
    }

    pub(super) fn line(&self) -> String {
        let mut list = Attributes::default();
        list.quoted("ID", &self.id);
        if let Some(class) = &self.class {
            list.quoted("CLASS", class);
        }
        list.quoted("START-DATE", &date_time(self.start_us));
        if let Some(duration) = self.duration_us {
            list.plain("DURATION", Seconds(duration));
        }
        if let Some(duration) = self.planned_duration_us {
            list.plain("PLANNED-DURATION", Seconds(duration));
        }
        for (name, value) in &self.attributes {
            list.quoted(name, value);
        }
        if self.end_on_next {
            list.plain("END-ON-NEXT", "YES");
        }
        list.line("EXT-X-DATERANGE")
    }
}
