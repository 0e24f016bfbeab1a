//! HLS playlists (RFC 8216) of the segment index.
//!
//! A growing presentation is an EVENT: nothing a player has read ever changes, segments are only
//! appended, and `EXT-X-START` keeps players from joining at its live edge. It stays an EVENT
//! when it ends. Only a version that was complete when first published is VOD, and only there
//! bit rates are measured.
//!
//! Addresses are relative to `…/{video}/{version}/`: `hls.m3u8` lists `{track}.m3u8`, which list
//! `{track}/init.mp4` and `{track}/{n}.m4s`, `n` counting from 0 over the whole timeline; a text
//! track is one `{track}/0.vtt`. `{track}/iframes.m3u8` lists the key frames of a rendition, and
//! `storyboard.m3u8` the sheets of a storyboard, `storyboard/{n}.jpg`.

mod attributes;
mod audio;
mod files;
mod iframes;
mod images;
mod keys;
pub mod live;
mod media;
mod menu;
mod multivariant;

pub(crate) use iframes::write as write_i_frame_playlist;
pub use iframes::{I_FRAMES, i_frame_playlist};
pub use media::media_playlist;
pub(crate) use media::write as write_media_playlist;
pub use multivariant::multivariant;
pub(crate) use multivariant::write as write_multivariant;

use kinora_media::{Head, Status};

use crate::presentation::Presentation;

/// `EXT-X-MAP` in playlists of media segments needs 6 (RFC 8216 7); nothing else needs more.
const VERSION: u32 = 6;

/// Start at the beginning even while it grows (RFC 8216 4.3.5.2).
const START: &str = "#EXT-X-START:TIME-OFFSET=0,PRECISE=YES\n";

/// What every playlist begins with.
fn header() -> String {
    format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n")
}

/// The tag, where every segment can be decoded alone.
fn independent(presentation: &Presentation<'_>) -> &'static str {
    if presentation.delivery.independent { "#EXT-X-INDEPENDENT-SEGMENTS\n" } else { "" }
}

/// Whether players could see this version complete only.
fn is_vod(head: &Head) -> bool {
    head.first_published_complete && head.status == Status::Complete
}
