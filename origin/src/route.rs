//! Addresses, taken literally: nothing is decoded, joined or normalised, so one file has one
//! address, and none leads out of its video.

use kinora_media::{
    TrackId, VideoId,
    playback::{
        self, CHAPTERS, DASH_MANIFEST, HLS_MANIFEST, KEYS, LICENSE, MEDIA_ROOT, POSTER,
        SMALL_POSTER, STORE_ROOT, STORYBOARD,
    },
};
use kinora_packager::{crypt::KeyId, hls::I_FRAMES};
use kinora_store::Key;

/// Where live streams are.
const LIVE_ROOT: &str = "/live/";

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Health,
    Ready,
    Media(Address<'a>),
    Live(LiveAddress<'a>),
    /// An object of the store, for another origin.
    Stored(Key),
}

/// The address of a file of a live stream: `/live/[{token}/]{stream}/…`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LiveAddress<'a> {
    pub(crate) token: Option<&'a str>,
    pub(crate) stream: VideoId,
    pub(crate) file: LiveFile,
}

/// A file of a live stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LiveFile {
    /// `hls.m3u8`.
    Hls,
    Track {
        track: TrackId,
        file: LiveTrackFile,
    },
}

/// A file of one rendition of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveTrackFile {
    /// `{track}.m3u8`.
    Playlist,
    /// `{track}/init.mp4`.
    Init,
    /// `{track}/{segment}.m4s`.
    Segment(u64),
    /// `{track}/{segment}.{part}.m4s`.
    Part(u64, u64),
}

/// The address of a file: `/media/[{token}/]{video}/{version}/…`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub(crate) token: Option<&'a str>,
    pub(crate) video: VideoId,
    pub(crate) version: u32,
    pub(crate) file: File,
}

/// A file of one version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum File {
    Manifest(Manifest),
    /// `init.mp4`, `init-1.mp4`: as the segment index names it.
    Init {
        track: TrackId,
        name: String,
    },
    Picture(Still),
    /// `license`.
    License,
    /// `keys/{kid}`.
    Key(KeyId),
    Segment {
        track: TrackId,
        number: u64,
        container: Container,
    },
}

/// What is rendered from the segment index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Manifest {
    /// `hls.m3u8`, the multivariant playlist.
    Hls,
    /// `dash.mpd`.
    Dash,
    /// `{track}.m3u8`, a media playlist.
    Track(TrackId),
    /// `{track}/iframes.m3u8`, the key frames of a rendition.
    IFrames(TrackId),
    /// `storyboard.vtt`, which part of which sheet shows which time.
    Storyboard,
    /// `chapters.vtt`.
    Chapters,
}

/// A still picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Still {
    /// `poster.jpg`.
    Poster,
    /// `poster-small.jpg`.
    Small,
    /// `storyboard/{n}.jpg`.
    Sheet(u64),
}

/// What a segment's bytes are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Container {
    /// `.m4s`, CMAF.
    Cmaf,
    /// `.vtt`, WebVTT.
    WebVtt,
}

/// Reads a path.
pub(crate) fn parse(path: &str) -> Option<Route<'_>> {
    if path == "/healthz" {
        return Some(Route::Health);
    }
    if path == "/readyz" {
        return Some(Route::Ready);
    }
    if let Some(rest) = path.strip_prefix(LIVE_ROOT) {
        return live(rest).map(Route::Live);
    }
    if let Some(rest) = path.strip_prefix(STORE_ROOT) {
        return stored(rest.strip_prefix('/')?).map(Route::Stored);
    }
    let mut segments = path.strip_prefix(MEDIA_ROOT)?.strip_prefix('/')?.split('/');
    let mut next = segments.next()?;
    let token = playback::is_token(next).then_some(next);
    if token.is_some() {
        next = segments.next()?;
    }
    let video = next.parse().ok()?;
    let version = u32::try_from(number(segments.next()?)?).ok()?;
    let file = match (segments.next()?, segments.next(), segments.next()) {
        (POSTER, None, None) => File::Picture(Still::Poster),
        (SMALL_POSTER, None, None) => File::Picture(Still::Small),
        (LICENSE, None, None) => File::License,
        (KEYS, Some(name), None) => File::Key(KeyId::parse(name)?),
        (name, None, None) => File::Manifest(manifest(name)?),
        ("storyboard", Some(name), None) => {
            File::Picture(Still::Sheet(number(name.strip_suffix(".jpg")?)?))
        }
        (track, Some(I_FRAMES), None) => {
            File::Manifest(Manifest::IFrames(TrackId::new(track).ok()?))
        }
        (track, Some(name), None) => file(TrackId::new(track).ok()?, name)?,
        _ => return None,
    };
    Some(Route::Media(Address { token, video, version, file }))
}

/// Media and its keys: what was uploaded stays where it is. Who may ask could mint a token for any
/// video, so keys tell him nothing that he could not ask for as a player.
fn stored(key: &str) -> Option<Key> {
    let is_open = ["media/", "keys/"].iter().any(|folder| key.starts_with(folder));
    is_open.then(|| Key::new(key).ok())?
}

fn live(path: &str) -> Option<LiveAddress<'_>> {
    let (first, rest) = path.split_once('/')?;
    let token = playback::is_token(first).then_some(first);
    let (stream, rest) = if token.is_some() { rest.split_once('/')? } else { (first, rest) };
    let file = match rest.split_once('/') {
        None if rest == HLS_MANIFEST => LiveFile::Hls,
        None => {
            let track = TrackId::new(rest.strip_suffix(".m3u8")?).ok()?;
            LiveFile::Track { track, file: LiveTrackFile::Playlist }
        }
        Some((track, name)) => {
            let track = TrackId::new(track).ok()?;
            let file = match name.strip_suffix(".m4s").map(|stem| stem.split_once('.')) {
                Some(Some((segment, part))) => LiveTrackFile::Part(number(segment)?, number(part)?),
                Some(None) => LiveTrackFile::Segment(number(name.strip_suffix(".m4s")?)?),
                None if name == "init.mp4" => LiveTrackFile::Init,
                None => return None,
            };
            LiveFile::Track { track, file }
        }
    };
    Some(LiveAddress { token, stream: stream.parse().ok()?, file })
}

fn manifest(name: &str) -> Option<Manifest> {
    Some(match name {
        HLS_MANIFEST => Manifest::Hls,
        DASH_MANIFEST => Manifest::Dash,
        STORYBOARD => Manifest::Storyboard,
        CHAPTERS => Manifest::Chapters,
        _ => Manifest::Track(TrackId::new(name.strip_suffix(".m3u8")?).ok()?),
    })
}

fn file(track: TrackId, name: &str) -> Option<File> {
    let (stem, container) = match name.split_once('.')? {
        (stem, "mp4") if is_init(stem) => return Some(File::Init { track, name: name.to_owned() }),
        (stem, "m4s") => (stem, Container::Cmaf),
        (stem, "vtt") => (stem, Container::WebVtt),
        _ => return None,
    };
    Some(File::Segment { track, number: number(stem)?, container })
}

/// `init`, or `init-` and a number.
fn is_init(stem: &str) -> bool {
    let rest = stem.strip_prefix("init");
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').and_then(number).is_some())
}

/// A decimal number in its one spelling: no sign, no leading zero.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    (digits && canonical).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn reads_what_manifests_write() {
        let track = || TrackId::new("v720").unwrap();
        let init = |name: &str| File::Init { track: track(), name: name.into() };
        let kid = KeyId(0x0001_0203_0405_0607_0809_0a0b_0c0d_0eff_u128.to_be_bytes());
        let files = [
            ("hls.m3u8", File::Manifest(Manifest::Hls)),
            ("dash.mpd", File::Manifest(Manifest::Dash)),
            ("v720.m3u8", File::Manifest(Manifest::Track(track()))),
            ("v720/init.mp4", init("init.mp4")),
            ("v720/init-1.mp4", init("init-1.mp4")),
            ("v720/iframes.m3u8", File::Manifest(Manifest::IFrames(track()))),
            ("storyboard.vtt", File::Manifest(Manifest::Storyboard)),
            ("chapters.vtt", File::Manifest(Manifest::Chapters)),
            ("poster.jpg", File::Picture(Still::Poster)),
            ("poster-small.jpg", File::Picture(Still::Small)),
            ("storyboard/12.jpg", File::Picture(Still::Sheet(12))),
            ("license", File::License),
            ("keys/000102030405060708090a0b0c0d0eff", File::Key(kid)),
            ("v720/0.m4s", File::Segment { track: track(), number: 0, container: Container::Cmaf }),
            (
                "v720/17.vtt",
                File::Segment { track: track(), number: 17, container: Container::WebVtt },
            ),
        ];
        for (name, file) in files {
            for token in [None, Some("~k~1~abc")] {
                let path = playback::path(token, VIDEO.parse().unwrap(), 3, name);
                let expected = Address {
                    token,
                    video: VIDEO.parse().unwrap(),
                    version: 3,
                    file: file.clone(),
                };
                assert_eq!(parse(&path), Some(Route::Media(expected)), "{path}");
            }
        }
        assert_eq!(parse("/healthz"), Some(Route::Health));
        assert_eq!(parse("/readyz"), Some(Route::Ready));
        let key = format!("media/{VIDEO}/1/index/head.json");
        let stored = Route::Stored(Key::new(&*key).unwrap());
        assert_eq!(parse(&format!("/store/{key}")), Some(stored));
    }

    #[test]
    fn reads_what_live_playlists_write() {
        let track = || TrackId::new("v720").unwrap();
        let of = |file| LiveFile::Track { track: track(), file };
        for (name, file) in [
            ("hls.m3u8", LiveFile::Hls),
            ("v720.m3u8", of(LiveTrackFile::Playlist)),
            ("v720/init.mp4", of(LiveTrackFile::Init)),
            ("v720/17.m4s", of(LiveTrackFile::Segment(17))),
            ("v720/17.0.m4s", of(LiveTrackFile::Part(17, 0))),
        ] {
            for (prefix, token) in [("", None), ("~k~1~abc/", Some("~k~1~abc"))] {
                let path = format!("/live/{prefix}{VIDEO}/{name}");
                let address =
                    LiveAddress { token, stream: VIDEO.parse().unwrap(), file: file.clone() };
                assert_eq!(parse(&path), Some(Route::Live(address)), "{path}");
            }
        }
        for name in ["", "v720", "v720/", "v720/1.m4s/", "v720/01.m4s", "v720/1.01.m4s"] {
            assert_eq!(parse(&format!("/live/{VIDEO}/{name}")), None, "{name}");
        }
        for name in ["v720/1.2.3.m4s", "v720/.m4s", "../x.m3u8", "v720/1.-1.m4s", "x/y/z.m4s"] {
            assert_eq!(parse(&format!("/live/{VIDEO}/{name}")), None, "{name}");
        }
    }

    #[test]
    fn reads_nothing_else() {
        let bad = [
            "",
            "hls.m3u8/",
            "/hls.m3u8",
            "HLS.m3u8",
            "hls.m3u8%00",
            "hls%2em3u8",
            ".m3u8",
            "dash.mpd.m3u8",
            "v720",
            "v720/",
            "v720/init.mp4/",
            "v720//init.mp4",
            "v720/init.m4s",
            "v720/init-.mp4",
            "v720/init-01.mp4",
            "v720/init1.mp4",
            "v720/-1.m4s",
            "v720/+1.m4s",
            "v720/01.m4s",
            "v720/.m4s",
            "v720/1.m4s.m4s",
            "v720/99999999999999999999.m4s",
            "v720/1.mp4",
            "v720/1",
            "V720/1.m4s",
            "../1/hls.m3u8",
            "v720/../hls.m3u8",
            "./hls.m3u8",
            "v720%2f1.m4s",
            "v720/1.m4s;x",
            "index/head.json",
            "storyboard/01.jpg",
            "storyboard/x.jpg",
            "v720/poster.jpg",
            "pictures/poster-1.jpg",
            "poster.png",
            "v720/00001-1.m4s",
            "v720\\1.m4s",
            "license/",
            "keys",
            "keys/",
            "keys/000102030405060708090A0B0C0D0EFF",
            "keys/000102030405060708090a0b0c0d0e",
            "../../keys/x",
        ];
        for name in bad {
            let path = format!("/media/{VIDEO}/1/{name}");
            assert_eq!(parse(&path), None, "{path}");
        }
        let upper = VIDEO.to_uppercase();
        for path in [
            "",
            "/",
            "*",
            "/media",
            "/media/",
            "/healthz/",
            "/store",
            "/store/",
            "/store/media",
            "/store/media/",
            "/store//media/x",
            "/store/media/../sources/x",
            "/store/media/.tmp",
            "/store/media/%2e%2e/x",
            &format!("/store/sources/{VIDEO}/original"),
            "/store/keys",
            &format!("/keys/{VIDEO}/1"),
            "//healthz",
            "/Media/x",
            "/mediax",
            &format!("/media/{upper}/1/hls.m3u8"),
            &format!("/media//{VIDEO}/1/hls.m3u8"),
            &format!("//media/{VIDEO}/1/hls.m3u8"),
            &format!("/media/{VIDEO}/01/hls.m3u8"),
            &format!("/media/{VIDEO}/4294967296/hls.m3u8"),
            &format!("/media/{VIDEO}//hls.m3u8"),
            &format!("/media/~a~1~b/~a~1~b/{VIDEO}/1/hls.m3u8"),
            &format!("/media/%7Ea~1~b/{VIDEO}/1/hls.m3u8"),
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
