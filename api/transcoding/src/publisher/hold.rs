//! A second period is shown for a while before a presentation is said to be complete.
//!
//! Shaka Player 5.2 never fetches a period that it meets for the first time in a manifest that has
//! become static (seen with a switch in the last chunk; with an update between the two it goes on).
//! So a title whose encoder was switched grows on for as long as players need to read of it.

use kinora_media::{Head, Period, Status, TrackKind};
use kinora_plan::Plan;

use super::project::Projection;

/// How long beyond the target duration: manifests are read again every half of it.
const MARGIN_US: i64 = 1_000_000;
const SECOND_US: i64 = 1_000_000;

/// What to do with a complete presentation whose last period is new to players.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Show all of it, as if more were to come.
    Show,
    /// Show nothing new yet.
    Wait,
}

impl Projection {
    /// Whether this, after the stored head, has to wait before it is complete.
    pub(crate) fn hold(&self, stored: &Head, now_us: i64) -> Option<Hold> {
        let [_, .., last] = &self.periods[..] else { return None };
        if !self.complete || stored.status != Status::Growing {
            return None;
        }
        if !shows(stored, last) {
            return Some(Hold::Show);
        }
        let since_us = now_us.saturating_sub(stored.published_at_us);
        let long_us = i64::from(stored.target_duration_s) * SECOND_US + MARGIN_US;
        (since_us < long_us).then_some(Hold::Wait)
    }

    /// The same, as if more were to come.
    pub(crate) fn keep_open(&mut self, plan: &Plan) {
        (self.complete, self.settled, self.held) = (false, false, true);
        // Exact only when complete.
        self.duration_us = plan.duration_us;
    }

    /// Whether it is kept open.
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }
}

/// Whether every rendition of the picture has a segment in the period.
fn shows(head: &Head, period: &Period) -> bool {
    let mut pictures = head.tracks.iter().filter(|t| matches!(t.kind, TrackKind::Video(_)));
    pictures.all(|track| {
        let last = head.tail.segments(&track.id).last();
        last.is_some_and(|last| {
            u128::from(last.start) * u128::from(period.timescale)
                >= u128::from(period.start) * u128::from(track.timescale)
        })
    })
}
