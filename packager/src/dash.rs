//! The DASH manifest (ISO/IEC 23009-1) of the segment index.
//!
//! A growing presentation is dynamic with a known end: `availabilityStartTime` lies so far back
//! that every segment listed is available, and players are told to stay so far behind the live
//! edge that they start at the beginning. It becomes static when complete.
//!
//! Addresses are the same as in HLS, by `$Number$`; the timelines list what is there.

mod mpd;
mod protection;
mod sets;
mod single_file;
mod timeline;
mod trick;
mod xml;

pub use mpd::mpd;
pub(crate) use mpd::write as write_mpd;
