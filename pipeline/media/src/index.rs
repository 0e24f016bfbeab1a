//! The segment index: a small head that points to immutable pages.
//!
//! `head.json` is swapped under compare-and-swap; everything it points to is immutable. The open
//! page lies inside the head (`tail`) until it holds about ten minutes, then becomes an object
//! of its own, so that appending to a long film stays cheap. The database of the transcoding
//! service is the truth; the head is a projection that can be rebuilt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Chapter, Encryption, Pictures, Track, TrackId, TrackKind, VideoId};

/// The version of this format. Readers refuse a head of another schema.
pub const HEAD_SCHEMA: u16 = 1;

/// The index of one version of one video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`HEAD_SCHEMA`].
    pub schema: u16,
    /// Whose media this is.
    pub video: VideoId,
    /// Which encode of it; a playback session keeps its version.
    pub version: u32,
    /// Counts the swaps of this head.
    pub revision: u64,
    /// Who wrote this revision: tells an ambiguous conditional write that won from one that lost.
    pub writer: String,
    /// Whether more is to come.
    pub status: Status,
    /// Who may fetch it.
    pub access: Access,
    /// Whether the first head players could see was complete already: then HLS calls it VOD.
    pub first_published_complete: bool,
    /// When this revision was written, microseconds since 1970 UTC.
    pub published_at_us: i64,
    /// When the first revision with segments was written, microseconds since 1970 UTC.
    pub first_published_at_us: i64,
    /// The planned duration of the presentation, microseconds. Exact once complete.
    pub duration_us: u64,
    /// HLS target duration in seconds (RFC 8216 4.3.3.1); frozen at first publish.
    pub target_duration_s: u32,
    /// Every track, in the order manifests list them: best video first.
    pub tracks: Vec<Track>,
    /// Stretches of the picture with initialisation segments of their own, in timeline order, the
    /// first at 0. None means one that begins with [`FIRST_INIT`]; while it grows, that no further
    /// one will follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<Period>,
    /// Closed pages, in timeline order.
    pub pages: Vec<PageRef>,
    /// The open page.
    pub tail: Page,
    /// Chapters, in order; as the source has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<Chapter>,
    /// The poster and the storyboard, once they are made; then they never change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Pictures>,
    /// How segments are encrypted when they are asked for; the first revision settles it. Sizes and
    /// objects of this index are those of clear media.
    #[serde(default, skip_serializing_if = "Encryption::is_none")]
    pub encryption: Encryption,
}

/// The initialisation segment of every track, as far as no [`Period`] says otherwise.
pub const FIRST_INIT: &str = "init.mp4";

/// The initialisation segment of a track's generation of encoders: [`FIRST_INIT`], `init-1.mp4`.
pub fn init_name(generation: u32) -> String {
    match generation {
        0 => FIRST_INIT.to_owned(),
        later => format!("init-{later}.mp4"),
    }
}

/// A stretch of the presentation in which all renditions of the picture keep their parameter
/// sets. Soundtracks go on across it, with [`FIRST_INIT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Decode time of its first picture, ticks of `timescale`; the start of a segment in every
    /// rendition of the picture.
    pub start: u64,
    /// Ticks a second.
    pub timescale: u32,
    /// File name of its initialisation segment inside the folder of every video track.
    pub init: String,
}

/// Whether more segments are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Encoding goes on.
    Growing,
    /// All segments are listed.
    Complete,
    /// A tombstone: the video is gone, and a late writer must not bring it back.
    Deleted,
}

/// Who may fetch a video's media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Anyone who has the address.
    Public,
    /// Only with a playback token.
    Signed,
}

/// A closed page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRef {
    /// Its object's file name inside the index folder: `page-0000.json`.
    pub object: String,
    /// For each track, how many segments it holds: lets a reader find a segment by number
    /// without reading other pages.
    pub segments: BTreeMap<TrackId, u64>,
}

/// Chunks by track, in timeline order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// For each track, its chunks.
    pub tracks: BTreeMap<TrackId, Vec<ChunkEntry>>,
}

/// One object of one track: the segments of a chunk, back to back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkEntry {
    /// The object's file name inside the track's folder: `00007-2.m4s`.
    pub object: String,
    /// Decode time of its first sample in ticks of the track.
    pub start: u64,
    /// Its segments, in order; the first begins at offset 0.
    pub segments: Vec<SegmentEntry>,
}

/// One segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Bytes.
    pub size: u64,
    /// Ticks of the track.
    pub duration: u64,
    /// Bytes from its beginning to the end of its first key frame: what trick play fetches of
    /// it. `None` where it was not noted, and on sound and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_frame: Option<u64>,
}

impl SegmentEntry {
    /// A segment whose first key frame nobody fetches alone.
    pub fn new(size: u64, duration: u64) -> Self {
        Self { size, duration, key_frame: None }
    }
}

/// Where a segment's bytes lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentLocation {
    /// The object's file name inside the track's folder.
    pub object: String,
    /// Bytes before it in the object.
    pub offset: u64,
    /// Its bytes.
    pub size: u64,
    /// Decode time of its first sample in ticks.
    pub start: u64,
    /// Its duration in ticks.
    pub duration: u64,
    /// Bytes up to the end of its first key frame, if known.
    pub key_frame: Option<u64>,
}

impl Head {
    /// The track of that name.
    pub fn track(&self, id: &TrackId) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == *id)
    }

    /// The initialisation segments of a track, in timeline order, each once.
    pub fn inits(&self, track: &Track) -> Vec<&str> {
        let mut names = Vec::new();
        if matches!(track.kind, TrackKind::Video(_)) {
            names.extend(self.periods.iter().map(|period| period.init.as_str()));
        }
        if names.is_empty() {
            names.push(FIRST_INIT);
        }
        names
    }
}

impl Page {
    /// Every segment of a track on this page, in order.
    pub fn segments<'a>(&'a self, track: &TrackId) -> impl Iterator<Item = SegmentLocation> + 'a {
        self.tracks.get(track).into_iter().flatten().flat_map(ChunkEntry::locations)
    }

    /// How many segments each track has on this page.
    pub fn counts(&self) -> BTreeMap<TrackId, u64> {
        let count = |chunks: &Vec<ChunkEntry>| chunks.iter().map(|c| c.segments.len() as u64).sum();
        self.tracks.iter().map(|(track, chunks)| (track.clone(), count(chunks))).collect()
    }
}

impl ChunkEntry {
    /// Where each segment of this chunk lies, in order.
    pub fn locations(&self) -> impl Iterator<Item = SegmentLocation> + '_ {
        self.segments.iter().scan((0_u64, self.start), |(offset, start), segment| {
            let location = SegmentLocation {
                object: self.object.clone(),
                offset: *offset,
                size: segment.size,
                start: *start,
                duration: segment.duration,
                key_frame: segment.key_frame,
            };
            *offset = offset.saturating_add(segment.size);
            *start = start.saturating_add(segment.duration);
            Some(location)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_lie_back_to_back() {
        let chunk = ChunkEntry {
            object: "00001-1.m4s".into(),
            start: 60,
            segments: vec![SegmentEntry::new(10, 60), SegmentEntry::new(7, 30)],
        };
        let found: Vec<_> = chunk.locations().map(|l| (l.offset, l.size, l.start)).collect();
        assert_eq!(found, [(0, 10, 60), (10, 7, 120)]);
    }
}
