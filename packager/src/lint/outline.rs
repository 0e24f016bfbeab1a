//! What of a media playlist is held against its later versions, and against other playlists.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    finding::Findings,
    keys::Key,
    lines::{Content, Line},
    media::{integer, micros},
};

/// A media playlist in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// Whole seconds.
    pub(super) target_duration_s: Option<u64>,
    /// Line of the target duration.
    pub(super) target_line: usize,
    pub(super) playlist_type: Option<String>,
    /// Line of the type, else of the target duration.
    pub(super) type_line: usize,
    pub(super) has_ended: bool,
    pub(super) i_frames_only: bool,
    pub(super) has_dates: bool,
    pub(super) names_discontinuities: bool,
    /// Media sequence number of the first segment that stands there.
    pub(super) first: u64,
    /// How many stand before it that a delta update leaves out.
    pub(super) skipped: u64,
    /// Of that segment, whether or not there is one.
    pub(super) first_discontinuity: u64,
    pub(super) segments: Vec<Segment>,
    pub(super) keys: Vec<Key>,
}

/// A segment in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) line: u32,
    /// Of its address and byte range.
    pub(super) address: u64,
    pub(super) duration_us: u64,
    /// Its discontinuity sequence number.
    pub(super) discontinuity: u64,
}

impl Media {
    /// Whether nothing will be added.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Seconds; `None` if it does not say.
    pub fn target_duration_s(&self) -> Option<u64> {
        self.target_duration_s
    }

    /// Media sequence number after the last segment's.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.segments.len() as u64)
    }

    /// What EXT-X-MEDIA-SEQUENCE says.
    pub(super) fn sequence(&self) -> u64 {
        self.first.saturating_sub(self.skipped)
    }

    pub(super) fn duration_us(&self) -> u64 {
        self.segments.iter().fold(0, |sum, segment| sum.saturating_add(segment.duration_us))
    }

    /// The segment of a media sequence number.
    pub(super) fn segment(&self, number: u64) -> Option<&Segment> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.segments.get(index)
    }

    pub(super) fn last_discontinuity(&self) -> u64 {
        self.segments.last().map_or(self.first_discontinuity, |segment| segment.discontinuity)
    }
}

/// Reads it as far as it can be; what is wrong is said elsewhere.
pub(super) fn outline(lines: &[Line<'_>], keys: Vec<Key>) -> Media {
    let mut media = Media { keys, target_line: 1, type_line: 1, ..Media::default() };
    let (mut duration_us, mut range) = (0, "");
    let mut discontinuity = 0_u64;
    for line in lines {
        match line.content {
            Content::Tag("EXT-X-TARGETDURATION", value) => {
                (media.target_duration_s, media.target_line) = (integer(value), line.number);
            }
            Content::Tag("EXT-X-PLAYLIST-TYPE", value) => {
                (media.playlist_type, media.type_line) = (Some(value.to_owned()), line.number);
            }
            Content::Tag("EXT-X-MEDIA-SEQUENCE", value) => {
                media.first = media.first.saturating_add(integer(value).unwrap_or(0));
            }
            Content::Tag("EXT-X-DISCONTINUITY-SEQUENCE", value) => {
                media.names_discontinuities = true;
                discontinuity = integer(value).unwrap_or(0);
                media.first_discontinuity = discontinuity;
            }
            Content::Tag("EXT-X-SKIP", _) => {
                let list = line.attributes("EXT-X-SKIP", &mut Findings::default());
                let skipped = list.and_then(|list| integer(list.get("SKIPPED-SEGMENTS")?));
                media.skipped = skipped.unwrap_or(0);
                media.first = media.first.saturating_add(media.skipped);
            }
            Content::Tag("EXT-X-DISCONTINUITY", _) => {
                discontinuity = discontinuity.saturating_add(1);
            }
            Content::Tag("EXT-X-ENDLIST", _) => media.has_ended = true,
            Content::Tag("EXT-X-I-FRAMES-ONLY", _) => media.i_frames_only = true,
            Content::Tag("EXT-X-PROGRAM-DATE-TIME", _) => media.has_dates = true,
            Content::Tag("EXTINF", value) => {
                let seconds = value.split_once(',').map_or(value, |(seconds, _)| seconds);
                duration_us = micros(seconds).unwrap_or(0);
            }
            Content::Tag("EXT-X-BYTERANGE", value) => range = value,
            Content::Tag(..) => {}
            Content::Uri(uri) => {
                let mut hasher = DefaultHasher::new();
                (uri, std::mem::take(&mut range)).hash(&mut hasher);
                media.segments.push(Segment {
                    line: u32::try_from(line.number).unwrap_or(u32::MAX),
                    address: hasher.finish(),
                    duration_us: std::mem::take(&mut duration_us),
                    discontinuity,
                });
            }
        }
    }
    media
}
