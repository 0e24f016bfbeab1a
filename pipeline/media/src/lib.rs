//! The vocabulary every part of Kinora shares: ids, media time, tracks, access units, the
//! segment index, and the addresses under which players fetch media.
//!
//! No IO, no async, no clock: wall time comes in as an argument. Media time is integer ticks
//! with a timescale, never a float.

mod access_unit;
mod chapter;
mod frame_rate;
mod id;
mod index;
mod pictures;
pub mod playback;
mod priority;
pub mod ticks;
pub mod trace;
mod track;

pub use access_unit::AccessUnit;
pub use chapter::Chapter;
pub use frame_rate::FrameRate;
pub use id::{AccountId, IdError, JobId, TrackId, VideoId};
pub use index::{
    Access, ChunkEntry, FIRST_INIT, HEAD_SCHEMA, Head, Page, PageRef, Period, SegmentEntry,
    SegmentLocation, Status, init_name,
};
pub use pictures::{Picture, Pictures, Sheet, Storyboard};
pub use priority::{Priority, UnknownPriority};
pub use trace::TraceContext;
pub use track::{AudioRole, AudioTrack, TextTrack, Track, TrackKind, VideoTrack};
