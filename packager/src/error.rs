//! What can be wrong with what the packager is given.

use kinora_media::TrackId;

/// Why something could not be packaged. Every variant says what and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackagerError {
    /// A decoder configuration is malformed or contradicts the track.
    #[error("{record}: {problem}")]
    DecoderConfig {
        /// `AVCDecoderConfigurationRecord`, `AudioSpecificConfig`, `hvcC`, ….
        record: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Samples coded in a way that no manifest of ours names.
    #[error("samples of kind '{code}' are not packaged")]
    Codec {
        /// Code of their sample entry.
        code: String,
    },
    /// A property of a track lies outside what its boxes can hold.
    #[error("{property} {value} is not between {min} and {max}")]
    OutOfRange {
        /// Which property.
        property: &'static str,
        /// Its value.
        value: u64,
        /// The least allowed.
        min: u64,
        /// The most allowed.
        max: u64,
    },
    /// A segment without access units.
    #[error("a segment needs at least one access unit")]
    EmptySegment,
    /// A segment that starts with a picture that cannot be decoded first.
    #[error("the first access unit of a segment is not a key frame")]
    NoKeyFrame,
    /// Bytes that are no segment of ours.
    #[error("a segment begins with styp")]
    NoSegmentType,
    /// An event whose texts cannot be written.
    #[error("the scheme and the value of an event cannot hold NUL")]
    EventText,
    /// An access unit that lasts no time.
    #[error("access unit {unit} lasts 0 ticks")]
    ZeroDuration {
        /// Counted from 0 in the segment.
        unit: usize,
    },
    /// Times that do not fit the boxes' integers.
    #[error("access unit {unit}: its time or composition offset overflows")]
    TimeOverflow {
        /// Counted from 0 in the segment.
        unit: usize,
    },
    /// A video segment whose first picture is shown before or after the segment's start: its
    /// boundary would differ from the other renditions'.
    #[error("the segment starts at {start} ticks but its first picture is shown at {earliest}")]
    Boundary {
        /// Decode time of the first access unit, ticks.
        start: u64,
        /// The earliest presentation time, ticks.
        earliest: i64,
    },
    /// Audio frames with a gap or an overlap between them.
    #[error("audio frame {unit} is at {pts} ticks, expected {expected}")]
    AudioTime {
        /// Counted from 0 in the segment.
        unit: usize,
        /// Where it is, ticks.
        pts: i64,
        /// Where the one before it ends, ticks.
        expected: u64,
    },
    /// A segment index written in a format this build does not know.
    #[error("segment index has schema {0}, this build reads schema {known}", known = kinora_media::HEAD_SCHEMA)]
    Schema(u16),
    /// The video was deleted: there is nothing to list.
    #[error("the video was deleted")]
    Deleted,
    /// The pages passed are not those the head names.
    #[error("page {page} of the segment index is missing or not the one the head names")]
    Page {
        /// Counted from 0.
        page: usize,
    },
    /// A track that has no segments yet, or a presentation that has no tracks.
    #[error("nothing to play yet{}", track.as_ref().map(|t| format!(": track {t} has no segments")).unwrap_or_default())]
    NothingPublished {
        /// Which track, if there is any.
        track: Option<TrackId>,
    },
    /// A segment that does not begin where the one before it ends.
    #[error("track {track}: segment {segment} starts at {start} ticks, expected {expected}")]
    Gap {
        /// Which track.
        track: TrackId,
        /// Counted from 0 over the whole timeline.
        segment: u64,
        /// Where it starts.
        start: u64,
        /// Where the one before it ends.
        expected: u64,
    },
    /// A live playlist that may not go on so.
    #[error("segment {segment} of the live playlist: {problem}")]
    Live {
        /// Its media sequence number.
        segment: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Periods that do not start at 0 and follow each other, or without a file name.
    #[error("the periods of the segment index do not start at 0 and follow each other")]
    Periods,
    /// A track of the index with a timescale of 0.
    #[error("track {0} has no timescale")]
    Timescale(TrackId),
}
