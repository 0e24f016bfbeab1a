//! One walk over all samples of a track: how many, when, and where it can be cut.

use super::{
    PackageError, Source,
    paced::{Paced, shown},
};

/// What a walk finds. Times are ticks of the media, before any edit list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Survey {
    /// Samples that are shown or needed by such.
    pub(super) samples: u32,
    /// When the first is decoded.
    pub(super) first_decoded: u64,
    /// Their sample entry, counted from 0.
    pub(super) entry: u32,
    /// When the first picture or frame is shown.
    pub(super) first_shown: i64,
    /// When the last one ends.
    pub(super) end_shown: i64,
    /// Ticks of all together.
    pub(super) duration: u64,
    /// How long each lasts but the last, if all alike.
    pub(super) each: Option<u32>,
    /// Where a picture can be cut; empty for sound.
    pub(super) keys: Vec<Key>,
}

/// A key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// Counted from 0.
    pub(super) sample: u32,
    /// When it is shown.
    pub(super) shown: i64,
    /// When the first picture up to the next key frame is shown: earlier, in an open GOP.
    pub(super) earliest: i64,
}

/// Walks to `media_end`: what is shown from there on is left out, as far as nothing after it in
/// decoding order is shown.
pub(super) fn survey(
    source: &Source<'_>,
    is_video: bool,
    media_end: Option<i64>,
) -> Result<Survey, PackageError> {
    let name = || source.name.clone();
    let mut found: Option<Survey> = None;
    let (mut duration, mut each, mut before) = (0_u64, None, None);
    for (number, sample) in (0_u32..).zip(Paced::new(source.track)) {
        let sample = sample.map_err(|fault| fault.of(&source.name))?;
        let shown = shown(&sample);
        let survey = found.get_or_insert_with(|| Survey {
            samples: 0,
            first_decoded: sample.decode_time,
            entry: sample.entry,
            first_shown: shown,
            end_shown: shown,
            duration: 0,
            each: None,
            keys: Vec::new(),
        });
        if sample.entry != survey.entry {
            return Err(PackageError::SeveralEntries { name: name(), sample: number });
        }
        if is_video {
            match survey.keys.last_mut() {
                None if !sample.key => return Err(PackageError::NoKeyFrame { name: name() }),
                Some(last) if !sample.key => last.earliest = last.earliest.min(shown),
                _ => survey.keys.push(Key { sample: number, shown, earliest: shown }),
            }
        }
        duration = duration.saturating_add(u64::from(sample.duration));
        // The last sample's duration is often odd, so each is held against the one before.
        if let Some(before) = before.replace(sample.duration) {
            each = if *each.get_or_insert(before) == before { each } else { Some(0) };
        }
        if media_end.is_none_or(|end| shown < end) {
            survey.samples = number.saturating_add(1);
            survey.duration = duration;
            let end = shown.saturating_add(i64::from(sample.duration));
            survey.end_shown = survey.end_shown.max(end);
        }
    }
    let mut survey = found.filter(|found| found.samples > 0);
    if let Some(survey) = &mut survey {
        survey.keys.retain(|key| key.sample < survey.samples);
        survey.first_shown = survey.keys.first().map_or(survey.first_shown, |key| key.earliest);
        survey.each = each.or(before).filter(|&ticks| ticks > 0);
    }
    survey.ok_or_else(|| PackageError::Empty { name: name() })
}
