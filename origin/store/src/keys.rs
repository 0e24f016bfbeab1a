//! Where things lie: the layout every writer and reader of the store agrees on.

use kinora_media::{TrackId, VideoId};

use crate::Key;

/// What all keys begin with, in key order.
pub const FOLDERS: [&str; 3] = [SECRETS, "media/", "sources/"];
/// Where content keys are: beside the media, so that a right to read that is none to read them.
const SECRETS: &str = "keys/";
/// The one file of an index that is replaced.
const HEAD: &str = "head.json";

/// Whether the object may change.
pub fn is_head(key: &Key) -> bool {
    let file = key.as_str().rsplit('/').next();
    key.as_str().starts_with("media/") && file == Some(HEAD)
}

/// Whether it is a file of a segment index: the head, which may change, or a page.
pub fn is_index(key: &Key) -> bool {
    let mut parts = key.as_str().split('/');
    parts.next() == Some("media") && parts.nth(2) == Some("index")
}

/// Whether it is the content key of a version.
pub fn is_secret(key: &Key) -> bool {
    key.as_str().starts_with(SECRETS)
}

/// The content key of a version that is encrypted.
pub fn secret(video: VideoId, version: u32) -> Key {
    key(format!("{SECRETS}{video}/{version}"))
}

/// Content keys of all versions of a video.
pub fn secret_folder(video: VideoId) -> String {
    format!("{SECRETS}{video}/")
}

/// The source as uploaded.
pub fn source(video: VideoId) -> Key {
    key(format!("sources/{video}/original"))
}

/// An uploaded caption file, as WebVTT.
pub fn source_captions(video: VideoId, language: &TrackId) -> Key {
    key(format!("sources/{video}/captions/{language}.vtt"))
}

/// Everything uploaded for a video.
pub fn source_folder(video: VideoId) -> String {
    format!("sources/{video}/")
}

/// All versions of a video's media.
pub fn media_folder(video: VideoId) -> String {
    format!("media/{video}/")
}

/// The mutable head of the segment index.
pub fn head(video: VideoId, version: u32) -> Key {
    index(video, version, HEAD)
}

/// A file of the segment index: `head.json`, `page-0000.json`.
pub fn index(video: VideoId, version: u32, file: &str) -> Key {
    key(format!("media/{video}/{version}/index/{file}"))
}

/// A track's initialisation segment.
pub fn init(video: VideoId, version: u32, track: &TrackId) -> Key {
    track_object(video, version, track, "init.mp4")
}

/// A file of a track: `00007-2.m4s`.
pub fn track_object(video: VideoId, version: u32, track: &TrackId, object: &str) -> Key {
    key(format!("media/{video}/{version}/{track}/{object}"))
}

/// The folder of a version's still pictures, beside those of its tracks.
pub const PICTURES: &str = "pictures";

/// A still picture: `poster-1.jpg`.
pub fn picture(video: VideoId, version: u32, object: &str) -> Option<Key> {
    Key::new(format!("media/{video}/{version}/{PICTURES}/{object}")).ok()
}

/// The file name of a text track extracted by `attempt`.
pub fn text_object(attempt: u32) -> String {
    format!("00000-{attempt}.vtt")
}

/// The file name of chunk (or audio part) `chunk`, encoded by `attempt`.
pub fn chunk_object(chunk: u32, attempt: u32) -> String {
    format!("{chunk:05}-{attempt}.m4s")
}

fn key(text: String) -> Key {
    Key::new(text).expect("ids and our own file names are made of key characters")
}
