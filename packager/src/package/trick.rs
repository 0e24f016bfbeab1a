//! Trick play in DASH: the key frames of a picture as a track of their own, each shown until the next
//! is (DASH-IF IOP 4.3, 3.2.9). HLS names ranges of the picture's own segments instead.

use kinora_media::{FrameRate, Track, TrackKind, VideoTrack};

use super::{Output, Package, PackageError, index, place::TrackCoding};
use crate::delivery::Trick;

impl Package<'_> {
    /// Adds to each picture a track of its key frames, for players of DASH that wind through a film: one
    /// more output, whose segments begin and end when those of the picture do. Before [`Self::protect`];
    /// a second call adds nothing.
    ///
    /// # Errors
    /// When key frames are so far apart that no sample can last that long.
    pub fn add_trick_play(&mut self) -> Result<(), PackageError> {
        if !self.delivery.trick.is_empty() {
            return Ok(());
        }
        let mut added = Vec::new();
        for picture in &self.outputs {
            let Some(of) = self.head.track(&picture.id) else { continue };
            if !matches!(picture.coding, TrackCoding::Video(_)) {
                continue;
            }
            let output = picture.key_frames(self.layout)?;
            self.delivery.trick.push(trick(of, picture, &output));
            added.push(output);
        }
        self.outputs.extend(added);
        self.delivery.files = index::files(&self.outputs, self.layout);
        self.head.tail = index::tail(&self.outputs);
        Ok(())
    }
}

/// What the manifest says of the key frames of a picture.
fn trick(of: &Track, picture: &Output<'_>, key_frames: &Output<'_>) -> Trick {
    let mut track = Track { id: key_frames.id.clone(), ..of.clone() };
    if let (TrackKind::Video(VideoTrack { frame_rate, .. }), Some(rate)) =
        (&mut track.kind, rate(picture))
    {
        *frame_rate = rate;
    }
    let survey = &picture.survey;
    let keys = u32::try_from(survey.keys.len()).unwrap_or(u32::MAX).max(1);
    Trick { track, max_playout_rate: (survey.samples / keys).max(1) }
}

/// Key frames a second where they are farthest apart.
fn rate(picture: &Output<'_>) -> Option<FrameRate> {
    let survey = &picture.survey;
    let apart = survey.keys.windows(2).map(|pair| pair[1].shown.saturating_sub(pair[0].shown));
    let whole = survey.end_shown.saturating_sub(survey.first_shown);
    let farthest = apart.max().unwrap_or(whole);
    FrameRate::new(picture.place.timescale, u32::try_from(farthest).ok()?)
}
