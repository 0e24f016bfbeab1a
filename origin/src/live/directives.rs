//! What a client asks of a live playlist (RFC 8216bis 6.2.5), and what may be answered.

use kinora_packager::hls::live::{Form, LivePlaylist, Settings};

/// Delivery directives, as the query of an address gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Directives {
    /// A segment, and a part of it, that the playlist must list.
    pub(crate) wanted: Option<(u64, Option<u64>)>,
    pub(crate) form: Form,
}

/// What makes a request one that cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// A directive is no number.
    Unreadable,
    /// `_HLS_part` needs `_HLS_msn` (6.2.5.2).
    PartAlone,
    /// More than two segments ahead, or more parts than the advance part limit (6.2.5.2).
    TooFarAhead,
}

/// How far a client may be ahead, in whole segments.
const SEGMENTS_AHEAD: u64 = 2;

impl Directives {
    /// Reads a query. What is none of these directives is somebody else's.
    ///
    /// # Errors
    /// They cannot be read, or make no sense together.
    pub(crate) fn read(query: &str) -> Result<Self, Bad> {
        let (mut segment, mut part, mut form) = (None, None, Form::Whole);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "_HLS_msn" => segment = Some(number(value)?),
                "_HLS_part" => part = Some(number(value)?),
                // `v2` may leave out more, of which there is nothing here.
                "_HLS_skip" if matches!(value, "YES" | "v2") => form = Form::Delta,
                _ => {}
            }
        }
        match (segment, part) {
            (None, Some(_)) => Err(Bad::PartAlone),
            (None, None) => Ok(Self { wanted: None, form }),
            (Some(segment), part) => Ok(Self { wanted: Some((segment, part)), form }),
        }
    }

    /// Whether `playlist` can be answered with now. Once it has ended, directives have no meaning.
    ///
    /// # Errors
    /// It is asked for what is too far ahead to wait for.
    pub(crate) fn are_met(self, playlist: &LivePlaylist, settings: &Settings) -> Result<bool, Bad> {
        let Some((segment, part)) = self.wanted.filter(|_| !playlist.has_ended()) else {
            return Ok(true);
        };
        if playlist.has(segment, part) {
            return Ok(true);
        }
        let position = playlist.position();
        let last = playlist.last_segment().or(position.map(|newest| newest.segment));
        if segment > last.unwrap_or(0).saturating_add(SEGMENTS_AHEAD) {
            return Err(Bad::TooFarAhead);
        }
        if let (Some(part), Some(newest)) = (part, position) {
            // Of the segment that is open; of a later one the first.
            let listed = newest.part.filter(|_| newest.segment == segment).map_or(0, |n| n + 1);
            if part >= listed.saturating_add(parts_ahead(settings)) {
                return Err(Bad::TooFarAhead);
            }
        }
        Ok(false)
    }
}

/// The advance part limit: three parts, or three seconds' worth of shorter ones.
fn parts_ahead(settings: &Settings) -> u64 {
    let part = settings.part_target.unwrap_or(1).max(1);
    (3 * u64::from(settings.timescale)).div_ceil(part).max(3)
}

/// Digits alone: a sign or a space is none.
fn number(text: &str) -> Result<u64, Bad> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or(Bad::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read() {
        let read = |query: &str| Directives::read(query).map(|it| (it.wanted, it.form));
        assert_eq!(read(""), Ok((None, Form::Whole)));
        assert_eq!(read("CMCD=x&_HLS_msn=7"), Ok((Some((7, None)), Form::Whole)));
        assert_eq!(read("_HLS_msn=7&_HLS_part=0"), Ok((Some((7, Some(0))), Form::Whole)));
        assert_eq!(read("_HLS_skip=YES"), Ok((None, Form::Delta)));
        assert_eq!(read("_HLS_skip=v2&_HLS_msn=0"), Ok((Some((0, None)), Form::Delta)));
        assert_eq!(read("_HLS_skip=NO"), Ok((None, Form::Whole)));
        assert_eq!(read("_HLS_part=1"), Err(Bad::PartAlone));
        for bad in ["_HLS_msn=", "_HLS_msn", "_HLS_msn=-1", "_HLS_msn=+1", "_HLS_msn=1.5"] {
            assert_eq!(read(bad), Err(Bad::Unreadable), "{bad}");
        }
        assert_eq!(read("_HLS_msn=18446744073709551616"), Err(Bad::Unreadable));
        assert_eq!(read("_HLS_msn=1&_HLS_part=x"), Err(Bad::Unreadable));
    }

    #[test]
    fn short_parts_may_be_further_ahead() {
        let settings = |part_target| Settings {
            timescale: 1000,
            target_duration_s: 4,
            part_target: Some(part_target),
            independent: true,
        };
        assert_eq!(parts_ahead(&settings(2000)), 3);
        assert_eq!(parts_ahead(&settings(333)), 10);
    }
}
