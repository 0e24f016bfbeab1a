//! Edit lists that only delay a track, skip its beginning, or end it early. What cuts a film into
//! pieces is for those who clip and join.

use crate::read::Track;

/// What an edit list comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edited {
    /// When the media begins to be shown, ticks of the track from the start of the presentation.
    pub(super) delay: i64,
    /// Which moment of the media is shown then, ticks.
    pub(super) media_time: i64,
    /// Which moment of the media is shown no more, ticks; `None` shows it to the end.
    pub(super) media_end: Option<i64>,
}

/// Normal speed.
const RATE_1: u32 = 0x0001_0000;

pub(super) fn read(track: &Track<'_>, fragmented: bool) -> Result<Edited, &'static str> {
    let ticks = |movie: u64| {
        let movie = i64::try_from(movie).unwrap_or(i64::MAX);
        super::Place::ticks(movie, track.movie_timescale, track.timescale)
    };
    let mut delay = 0_u64;
    let mut media = None;
    for edit in &track.edits {
        match (edit.media_time, media) {
            (None, None) => delay = delay.saturating_add(edit.duration),
            // An edit that shows nothing after the media ends changes nothing.
            (None, Some(_)) => {}
            (Some(_), Some(_)) => {
                return Err(
                    "joins several pieces of the media; make it one first, by encoding it anew",
                );
            }
            (Some(_), None) if edit.rate != RATE_1 => {
                return Err("changes the speed; encode it anew at the speed wanted");
            }
            (Some(media_time), None) => media = Some((media_time, edit.duration)),
        }
    }
    let (media_time, duration) = media.unwrap_or((0, 0));
    let media_time = i64::try_from(media_time).map_err(|_| "begins later than any media lasts")?;
    // In a fragmented file the duration is 0, or that of what lay in the movie itself.
    let ends = duration > 0 && !fragmented;
    // Movie ticks are coarse: what ends within one is taken to the end.
    let media_end = ends.then(|| media_time.saturating_add(ticks(duration.saturating_add(1))));
    Ok(Edited { delay: ticks(delay), media_time, media_end })
}
