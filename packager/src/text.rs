//! Captions: WebVTT (W3C) and SubRip in, canonical WebVTT out.
//!
//! Strict where a player would drop what the author meant to be seen: the error names the line
//! and what to do. What no player shows (header metadata, notes, unknown settings, cues that
//! last no time) is left out.

pub mod embedded;
mod error;
mod lines;
mod markup;
mod pictures;
mod segments;
mod srt;
mod timestamp;
mod vtt;
mod write;
mod wvtt;

pub use error::TextError;
pub use pictures::{chapters, thumbnails};
pub use segments::Segments;

use lines::Line;
pub(crate) use wvtt::Cues;

/// Bytes of a caption file, at most.
pub const MAX_BYTES: usize = 5 * 1024 * 1024;
/// Cues in a caption file, at most.
pub const MAX_CUES: usize = 50_000;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// `text/vtt`, `.vtt`.
    WebVtt,
    /// `application/x-subrip`, `.srt`.
    SubRip,
}

/// A caption file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebVtt {
    /// CSS of its STYLE blocks, without empty lines.
    pub styles: Vec<String>,
    /// Settings of its REGION blocks.
    pub regions: Vec<String>,
    /// By start, then as written.
    pub cues: Vec<Cue>,
}

/// A text shown for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// Its identifier, without `-->` and line ends.
    pub id: Option<String>,
    /// When it appears, milliseconds.
    pub start_ms: u64,
    /// When it vanishes, milliseconds; after it appears.
    pub end_ms: u64,
    /// Where it stands: `name:value` pairs, one blank between.
    pub settings: String,
    /// Its text with WebVTT's markup; lines end with `\n`, none is empty or holds `-->`.
    pub text: String,
}

/// Reads a caption file: UTF-8, with or without byte order mark, any line ends.
///
/// A file that begins with `WEBVTT` is WebVTT whatever `hint` says; another is SubRip unless
/// `hint` insists.
///
/// # Errors
/// When it is too large or not UTF-8, or a line is not what the format asks for: the error
/// names the line and what to do.
pub fn parse(bytes: &[u8], hint: Option<TextFormat>) -> Result<WebVtt, TextError> {
    let text = decode(bytes)?;
    let lines: Vec<Line<'_>> = lines::numbered(text);
    let mut parsed = if vtt::is_signature(lines.first()) {
        vtt::parse(&lines)?
    } else if hint == Some(TextFormat::WebVtt) {
        return Err(TextError::MissingSignature);
    } else {
        srt::parse(&lines)?
    };
    if parsed.cues.is_empty() {
        return Err(TextError::NoCues);
    }
    parsed.cues.sort_by_key(|cue| cue.start_ms);
    Ok(parsed)
}

impl WebVtt {
    /// How many cues there are.
    pub fn cue_count(&self) -> usize {
        self.cues.len()
    }

    /// When the last cue vanishes, microseconds.
    pub fn end_us(&self) -> u64 {
        self.cues.iter().map(|cue| cue.end_ms).max().unwrap_or_default().saturating_mul(1000)
    }
}

fn decode(bytes: &[u8]) -> Result<&str, TextError> {
    if bytes.len() > MAX_BYTES {
        return Err(TextError::TooLarge { bytes: bytes.len() });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(TextError::NotUtf8 { line: 1 });
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        // What is good, and one character for what is not: the last line is the bad one.
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned() + "?";
        TextError::NotUtf8 { line: lines::numbered(&good).len() }
    })
}
