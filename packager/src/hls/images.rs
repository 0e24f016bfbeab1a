//! Thumbnails: the storyboard's sheets as an image media playlist. RFC 8216 has none; players
//! follow the specification of Disney, WarnerMedia and Roku (HLS Image Media Playlists 0.5).

use kinora_media::{Head, Storyboard, ticks::MICROS};

use super::{
    attributes::Attributes,
    header,
    media::{self, Seconds, line},
};
use crate::storyboard;

/// Name of its playlist among those of tracks, and of its sheets' folder.
pub(super) const NAME: &str = "storyboard";

/// The multivariant playlist's line for it; empty if there is none to list.
pub(super) fn stream(head: &Head) -> String {
    let Some(storyboard) = storyboard::listed(head) else { return String::new() };
    let Storyboard { tile_width, tile_height, .. } = storyboard;
    let mut list = Attributes::default();
    list.plain("BANDWIDTH", storyboard::bandwidth(storyboard))
        .plain("RESOLUTION", format_args!("{tile_width}x{tile_height}"))
        .quoted("CODECS", "jpeg")
        .quoted("URI", &format!("{NAME}.m3u8"));
    list.line("EXT-X-IMAGE-STREAM-INF")
}

/// The playlist of sheets, which lie in a folder beside it; `None` if there is none to list.
pub(super) fn playlist(head: &Head) -> Option<String> {
    let storyboard = storyboard::listed(head)?;
    let Storyboard { tile_width, tile_height, columns, rows, interval_us, .. } = storyboard;
    let times = storyboard::times(storyboard, head.duration_us);
    let longest = times.iter().map(|time| time.end - time.start).max()?;
    let target = longest.saturating_add(MICROS / 2) / MICROS;
    let mut tiles = Attributes::default();
    tiles
        .plain("RESOLUTION", format_args!("{tile_width}x{tile_height}"))
        .plain("LAYOUT", format_args!("{columns}x{rows}"))
        .plain("DURATION", Seconds(*interval_us));
    let tiles = tiles.line("EXT-X-TILES");

    let mut playlist = header();
    line(&mut playlist, format_args!("#EXT-X-TARGETDURATION:{}", target.max(1)));
    playlist.push_str("#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-IMAGES-ONLY\n");
    for (number, time) in times.iter().enumerate() {
        media::duration(&mut playlist, time.end - time.start);
        playlist.push_str(&tiles);
        line(&mut playlist, format_args!("{NAME}/{number}.jpg"));
    }
    playlist.push_str("#EXT-X-ENDLIST\n");
    Some(playlist)
}
