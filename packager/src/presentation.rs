//! The segment index as manifests read it: whole, checked, in presentation time.

use kinora_media::{
    AudioTrack, HEAD_SCHEMA, Head, Page, Status, TextTrack, Track, TrackKind, VideoTrack, ticks,
};

use crate::{
    PackagerError,
    delivery::{Delivery, TextSamples},
};

/// One version of one video: its head and the closed pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presentation<'a> {
    pub(crate) head: &'a Head,
    /// How it is laid out.
    pub(crate) delivery: &'a Delivery,
    pages: &'a [Page],
}

/// One segment of a track in presentation time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Ticks from the start of the presentation: where it starts to be seen or heard.
    pub(crate) start: u64,
    /// Ticks.
    pub(crate) duration: u64,
    /// Bytes.
    pub(crate) size: u64,
    /// Bytes up to the end of its first key frame, if known.
    pub(crate) key_frame: Option<u64>,
}

/// What a segment takes at most once it is encrypted, so that no rate is understated: a description
/// of some ten bytes for each sample, of which the smallest that matter have two hundred.
fn sealed_at_most(clear: u64) -> u64 {
    clear.saturating_add(clear / 16).saturating_add(512)
}

impl<'a> Presentation<'a> {
    /// Checks that the head may be shown and that `pages` are the ones it names.
    pub(crate) fn open(head: &'a Head, pages: &'a [Page]) -> Result<Self, PackagerError> {
        if head.schema != HEAD_SCHEMA {
            return Err(PackagerError::Schema(head.schema));
        }
        if head.status == Status::Deleted {
            return Err(PackagerError::Deleted);
        }
        for (index, reference) in head.pages.iter().enumerate() {
            if pages.get(index).is_none_or(|page| page.counts() != reference.segments) {
                return Err(PackagerError::Page { page: index });
            }
        }
        if pages.len() > head.pages.len() {
            return Err(PackagerError::Page { page: head.pages.len() });
        }
        if head.tracks.iter().all(|track| matches!(track.kind, TrackKind::Text(_))) {
            return Err(PackagerError::NothingPublished { track: None });
        }
        Self::check_periods(&head.periods)?;
        Ok(Self { head, delivery: Delivery::INDEX, pages })
    }

    /// The same, laid out otherwise.
    pub(crate) fn delivered(self, delivery: &'a Delivery) -> Self {
        Self { delivery, ..self }
    }

    /// Every segment of a video or audio track.
    ///
    /// Priming is taken off: the first audio segment starts at 0 and is shorter by it, the later
    /// ones start earlier by it, exactly as the edit list has players do.
    pub(crate) fn spans(&self, track: &Track) -> Result<Vec<Span>, PackagerError> {
        if track.timescale == 0 {
            return Err(PackagerError::Timescale(track.id.clone()));
        }
        let priming = u64::from(track.priming);
        let mut spans = Vec::new();
        let mut expected = 0_u64;
        let pages = self.pages.iter().chain([&self.head.tail]);
        for location in pages.flat_map(|page| page.segments(&track.id)) {
            if location.start != expected {
                return Err(PackagerError::Gap {
                    track: track.id.clone(),
                    segment: spans.len() as u64,
                    start: location.start,
                    expected,
                });
            }
            expected = location.start.saturating_add(location.duration);
            let start = location.start.saturating_sub(priming);
            let duration = expected.saturating_sub(priming) - start;
            let (mut size, mut key_frame) = (location.size, location.key_frame);
            if self.delivery.sealed_later {
                (size, key_frame) = (sealed_at_most(size), None);
            }
            spans.push(Span { start, duration, size, key_frame });
        }
        if spans.is_empty() {
            return Err(PackagerError::NothingPublished { track: Some(track.id.clone()) });
        }
        Ok(spans)
    }

    /// Where the last segment of the longest track ends, microseconds, rounded up.
    pub(crate) fn end_us(&self) -> Result<u64, PackagerError> {
        let mut end_us = 0;
        let media = |track: &&Track| !matches!(track.kind, TrackKind::Text(_));
        for track in self.head.tracks.iter().filter(media) {
            let last = self.spans(track)?.pop();
            let end = last.map_or(0, |span| span.start.saturating_add(span.duration));
            let micros = u128::from(end) * u128::from(ticks::MICROS);
            let micros = micros.div_ceil(u128::from(track.timescale));
            end_us = end_us.max(u64::try_from(micros).unwrap_or(u64::MAX));
        }
        Ok(end_us)
    }

    /// The renditions of the picture, best first.
    pub(crate) fn video(&self) -> Vec<(&'a Track, &'a VideoTrack)> {
        let only = |track: &'a Track| match &track.kind {
            TrackKind::Video(video) => Some((track, video)),
            TrackKind::Audio(_) | TrackKind::Text(_) => None,
        };
        self.head.tracks.iter().filter_map(only).collect()
    }

    /// The soundtracks.
    pub(crate) fn audio(&self) -> Vec<(&'a Track, &'a AudioTrack)> {
        let only = |track: &'a Track| match &track.kind {
            TrackKind::Audio(audio) => Some((track, audio)),
            TrackKind::Video(_) | TrackKind::Text(_) => None,
        };
        self.head.tracks.iter().filter_map(only).collect()
    }

    /// The text tracks.
    pub(crate) fn text(&self) -> Vec<(&'a Track, &'a TextTrack)> {
        let only = |track: &'a Track| match &track.kind {
            TrackKind::Text(text) => Some((track, text)),
            TrackKind::Video(_) | TrackKind::Audio(_) => None,
        };
        self.head.tracks.iter().filter_map(only).collect()
    }

    /// The text tracks that HLS can have.
    pub(crate) fn text_in_hls(&self) -> Vec<(&'a Track, &'a TextTrack)> {
        let is_none = |track: &Track| {
            self.delivery.text.get(&track.id) == Some(&TextSamples::Dash { files: false })
        };
        self.text().into_iter().filter(|(track, _)| !is_none(track)).collect()
    }

    /// Which soundtrack plays when the viewer has not chosen: the first that says so, else the
    /// first.
    pub(crate) fn default_audio(&self) -> Option<&'a Track> {
        let audio = self.audio();
        let chosen = audio.iter().find(|(_, audio)| audio.default).or(audio.first());
        chosen.map(|(track, _)| *track)
    }
}
