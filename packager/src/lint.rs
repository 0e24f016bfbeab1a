//! Checks HLS playlists, ours and others', against the rules of RFC 8216bis
//! (draft-pantos-hls-rfc8216bis-17, whose numbers clauses have): each finding names its line and
//! its clause. Playlists of one presentation are held against each other by [`renditions`], versions of
//! one that grows by [`growth`].

mod attributes;
mod finding;
mod growth;
mod keys;
mod lines;
mod live;
mod media;
mod multivariant;
mod outline;
mod renditions;
mod variables;
mod version;

pub use finding::{Finding, Severity};
pub use growth::{growth, is_late};
pub use multivariant::Multivariant;
pub use outline::Media;
pub use renditions::renditions;

use finding::Findings;
use lines::lines;

/// Bytes of a playlist, at most: a day of segments of a second, with byte ranges, is half of it.
pub const MAX_BYTES: usize = 16 << 20;

/// What was found of a playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it is.
    pub kind: Kind,
    /// In the order of lines; at most a thousand.
    pub findings: Vec<Finding>,
    /// Playlists that it names, as it names them; each once.
    pub playlists: Vec<String>,
    /// What is in it, by kind.
    pub outline: Outline,
}

/// What is in a playlist, as far as others are held against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outline {
    /// Renditions.
    Multivariant(Multivariant),
    /// Segments.
    Media(Media),
}

/// The kinds of playlist (4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lists renditions.
    Multivariant,
    /// Lists segments.
    Media,
}

/// Checks a playlist.
pub fn playlist(bytes: &[u8]) -> Report {
    let mut findings = Findings::default();
    let text = lines::text(bytes, &mut findings);
    let lines = lines(&text, &mut findings);
    let names = |names: &[&str]| lines.iter().any(|line| line.tag_name_in(names));
    let is_multivariant = names(MULTIVARIANT_TAGS);
    if is_multivariant && names(MEDIA_TAGS) {
        let mixed = lines.iter().find(|line| line.tag_name_in(MEDIA_TAGS));
        let line = mixed.map_or(1, |line| line.number);
        findings.error(line, "4.1", "tags of media playlists stand in a multivariant playlist");
    }
    version::check(&lines, &mut findings);
    variables::check(&lines, is_multivariant, &mut findings);
    let (kind, playlists, outline) = if is_multivariant {
        let main = multivariant::check(&lines, &mut findings);
        (Kind::Multivariant, main.names(), Outline::Multivariant(main))
    } else {
        (Kind::Media, Vec::new(), Outline::Media(media::check(&lines, &mut findings)))
    };
    Report { kind, findings: findings.sorted(), playlists, outline }
}

const MULTIVARIANT_TAGS: &[&str] = &[
    "EXT-X-STREAM-INF",
    "EXT-X-I-FRAME-STREAM-INF",
    "EXT-X-IMAGE-STREAM-INF",
    "EXT-X-MEDIA",
    "EXT-X-SESSION-DATA",
    "EXT-X-SESSION-KEY",
    "EXT-X-CONTENT-STEERING",
];
const MEDIA_TAGS: &[&str] = &[
    "EXTINF",
    "EXT-X-TARGETDURATION",
    "EXT-X-MEDIA-SEQUENCE",
    "EXT-X-DISCONTINUITY-SEQUENCE",
    "EXT-X-ENDLIST",
    "EXT-X-PLAYLIST-TYPE",
    "EXT-X-I-FRAMES-ONLY",
    "EXT-X-BYTERANGE",
    "EXT-X-MAP",
    "EXT-X-PART",
    "EXT-X-PART-INF",
];
