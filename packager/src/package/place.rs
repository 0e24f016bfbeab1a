//! Where each track stands in the presentation.

use super::{
    PackageError, Source,
    edits::{self, Edited},
    is_before, seconds,
    survey::{Survey, survey},
};
use crate::{
    codec::{self, Coding, SoundCoding, TextCoding},
    read::SampleEntry,
};

/// Sound that may be skipped at the beginning, milliseconds. What encoders prepend is shorter.
const MAX_PRIMING_MS: i64 = 500;

/// A track, walked and placed.
#[derive(Debug, Clone)]
pub(super) struct Placed<'t> {
    pub(super) source: Source<'t>,
    pub(super) coding: TrackCoding,
    pub(super) survey: Survey,
    pub(super) place: Place,
}

/// How a track is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TrackCoding {
    Video(Coding),
    Audio(SoundCoding),
    Text(TextCoding),
}

/// From a track's own time to that of its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Ticks a second.
    pub(super) timescale: u32,
    /// When the first sample is decoded, ticks of the output.
    pub(super) base: u64,
    /// When a sample of the media is shown in the output less when it is in the source, ticks,
    /// priming included.
    pub(super) shift: i64,
    /// Ticks that the output's edit list skips.
    pub(super) priming: u32,
}

impl Placed<'_> {
    pub(super) fn is_video(&self) -> bool {
        matches!(self.coding, TrackCoding::Video(_))
    }

    /// When something of the media is seen or heard, ticks from the start of the presentation.
    pub(super) fn presented(&self, shown: i64) -> i64 {
        shown.saturating_add(self.place.shift).saturating_sub(i64::from(self.place.priming))
    }
}

/// Walks all tracks and places them: the earliest begins at 0.
pub(super) fn place<'t>(sources: &[Source<'t>]) -> Result<Vec<Placed<'t>>, PackageError> {
    let mut placed = sources.iter().map(place_alone).collect::<Result<Vec<_>, _>>()?;
    if placed.iter().all(|placed| matches!(placed.coding, TrackCoding::Text(_))) {
        return Err(PackageError::Nothing);
    }
    let start = |placed: &Placed<'_>| (placed.place.base.cast_signed(), placed.place.timescale);
    let mut earliest: Option<(i64, u32)> = None;
    for start in placed.iter().map(start) {
        if earliest.is_none_or(|earliest| is_before(start, earliest)) {
            earliest = Some(start);
        }
    }
    let (time, timescale) = earliest.ok_or(PackageError::Nothing)?;
    for Placed { place, .. } in &mut placed {
        let ticks = Place::ticks(time, timescale, place.timescale);
        // Rounding may ask for a tick more than there is.
        let ticks = ticks.min(place.base.cast_signed());
        place.base -= ticks.unsigned_abs();
        place.shift = place.shift.saturating_sub(ticks);
    }
    Ok(placed)
}

/// Places a track by its edit list alone.
fn place_alone<'t>(source: &Source<'t>) -> Result<Placed<'t>, PackageError> {
    let name = || source.name.clone();
    let edits = |problem: String| PackageError::Edits { name: name(), problem };
    let is_video = source.track.handler == *b"vide";
    let fragmented = source.track.is_fragmented();
    let Edited { delay, media_time, media_end } =
        edits::read(source.track, fragmented).map_err(|problem| edits(problem.to_owned()))?;
    let survey = survey(source, is_video, media_end)?;
    let coding = coding(source, is_video, survey.entry)?;
    let timescale = source.track.timescale;
    let skipped = media_time.saturating_sub(survey.first_shown).max(0);
    let most = match coding {
        // Less than a picture is rounding.
        TrackCoding::Video(_) => i64::from(survey.each.unwrap_or(0)).saturating_sub(1).max(0),
        TrackCoding::Audio(_) => Place::ticks(MAX_PRIMING_MS, 1000, timescale),
        TrackCoding::Text(_) => 0,
    };
    if skipped > most {
        let skipped = seconds(skipped, timescale);
        return Err(edits(format!(
            "begins {skipped} into the media, where nothing can be decoded alone; cut it at a key \
             frame first"
        )));
    }
    let priming = if is_video { 0 } else { u32::try_from(skipped).unwrap_or(u32::MAX) };
    // What is skipped of a picture is rounding, and not skipped.
    let from = if is_video { media_time.min(survey.first_shown) } else { media_time };
    let shift = delay.saturating_sub(from).saturating_add(i64::from(priming));
    let base = survey.first_shown.saturating_add(shift);
    let base = u64::try_from(base).map_err(|_| edits("begins before the media".to_owned()))?;
    let place = Place { timescale, base, shift, priming };
    Ok(Placed { source: source.clone(), coding, survey, place })
}

fn coding(source: &Source<'_>, is_video: bool, entry: u32) -> Result<TrackCoding, PackageError> {
    let entry: &SampleEntry<'_> = &source.track.entries[entry as usize];
    let coding = if is_video {
        codec::of_video(entry).map(TrackCoding::Video)
    } else {
        codec::of_text(entry).and_then(|text| match text {
            Some(text) => Ok(TrackCoding::Text(text)),
            None => codec::of_sound(entry).map(TrackCoding::Audio),
        })
    };
    coding.map_err(|error| PackageError::Track { name: source.name.clone(), error })
}
