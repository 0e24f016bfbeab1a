//! Packaging: access units become CMAF segments, the segment index becomes HLS and DASH
//! manifests, caption files become WebVTT.
//!
//! Everything here is a function of its arguments: no IO, no async, no clock, no floats, no
//! randomness. The same input gives the same bytes, so init segments of all chunks of a track are
//! equal and a manifest's hash is its entity tag.
//!
//! - [`cmaf`]: initialisation and media segments (ISO/IEC 14496-12, 23000-19)
//! - [`crypt`]: common encryption (ISO/IEC 23001-7) and AES-128
//! - [`codec`]: RFC 6381 `codecs` values from decoder configurations
//! - [`hls`]: multivariant and media playlists (RFC 8216)
//! - [`dash`]: the media presentation description (ISO/IEC 23009-1)
//! - [`lint`]: rules of RFC 8216bis, held against playlists
//! - [`package`]: finished files of others become one presentation
//! - [`read`]: ISO base media files of others, read in bounds and without copying
//! - [`text`]: WebVTT and SubRip in, canonical WebVTT out

mod bitstream;
mod boxes;
pub mod cmaf;
pub mod codec;
pub mod crypt;
pub mod dash;
mod delivery;
mod error;
pub mod hls;
mod label;
pub mod lint;
pub mod package;
mod periods;
mod presentation;
mod protected;
mod rate;
pub mod read;
mod storyboard;
pub mod text;
mod time;

pub use error::PackagerError;
pub use protected::ProtectedIndex;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
