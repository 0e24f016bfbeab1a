//! CMAF (ISO/IEC 23000-19): initialisation segments and media segments of one track each.
//!
//! Structural brand `cmf2`. Time zero is where the presentation starts: the first picture of a
//! video track is shown at 0, by negative composition offsets and without an edit list; audio
//! keeps the encoder's priming in its timeline and skips it with an edit list. A segment is one
//! fragment, or live several ([`part`]), and stands on its own: durations, sizes and flags are in it,
//! not in defaults of the initialisation segment.

mod announce;
mod audio_init;
mod config;
pub(crate) mod fragment;
pub(crate) mod init;
mod segment;
mod video_init;

pub use announce::{Event, MAX_EVENT_BYTES, Moment, ProducerTime, announce};
pub(crate) use audio_init::AAC_ROLL;
pub use audio_init::audio_init;
pub use config::{AudioConfig, BitRate, Colour, VideoConfig};
pub use segment::{SegmentKind, first_unit_end, part, segment};
pub use video_init::video_init;

/// Brands of an initialisation segment besides the major one: fragments as of the sixth
/// edition, CMAF in general, MPEG-4 sample entries.
const INIT_BRANDS: [[u8; 4]; 3] = [*b"cmfc", *b"iso6", *b"mp41"];
const MAJOR_BRAND: &[u8; 4] = b"cmf2";
