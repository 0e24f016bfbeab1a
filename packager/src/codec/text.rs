//! What manifests say of text in MP4 (ISO/IEC 14496-30).

use crate::{
    PackagerError,
    read::{ReadError, SampleEntry},
};

/// How text is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextCoding {
    /// RFC 6381 `codecs` value.
    pub codecs: String,
    /// WebVTT or TTML.
    pub form: TextForm,
}

/// The forms of text in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// Cues in boxes, `wvtt`.
    WebVtt,
    /// A document a sample, `stpp`.
    Ttml,
}

/// Of a text sample entry, WebVTT or TTML; `None` if it is of another kind.
///
/// # Errors
/// When it is damaged.
pub fn of_text(entry: &SampleEntry<'_>) -> Result<Option<TextCoding>, PackagerError> {
    Ok(match &entry.code() {
        b"wvtt" => Some(TextCoding { codecs: "wvtt".into(), form: TextForm::WebVtt }),
        b"stpp" => {
            let kind = entry.subtitles_box(b"mime").map_err(damaged)?;
            Some(TextCoding { codecs: ttml(kind.unwrap_or_default()), form: TextForm::Ttml })
        }
        _ => None,
    })
}

/// `stpp.ttml.im1t` where the media type (`mime`) names such a profile (TTML Profiles for Internet
/// Media 5), else `stpp`.
fn ttml(kind: &[u8]) -> String {
    // Version and flags come before it, a NUL after it.
    let kind = kind.get(4..).unwrap_or_default();
    let kind = std::str::from_utf8(kind).unwrap_or_default().trim_end_matches('\0');
    let codecs = kind.split(';').find_map(|part| part.trim().strip_prefix("codecs="));
    let profile = codecs.unwrap_or_default().trim_matches('"').split(['|', '+', ',']).next();
    let is_name = |name: &&str| {
        !name.is_empty() && name.len() <= 4 && name.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    profile.filter(is_name).map_or("stpp".to_owned(), |profile| format!("stpp.ttml.{profile}"))
}

fn damaged(error: ReadError) -> PackagerError {
    PackagerError::DecoderConfig { record: "sample entry", problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_of_ttml_are_named_where_they_are_said() {
        let cases: [(&[u8], &str); 6] = [
            (b"\0\0\0\0application/ttml+xml;codecs=im1t\0", "stpp.ttml.im1t"),
            (b"\0\0\0\0application/ttml+xml; codecs=\"im1t|etd1\"\0", "stpp.ttml.im1t"),
            (b"\0\0\0\0application/ttml+xml\0", "stpp"),
            (b"\0\0\0\0application/ttml+xml;codecs=\0", "stpp"),
            (b"\0\0\0\0a;codecs=\xff", "stpp"),
            (b"", "stpp"),
        ];
        for (kind, codecs) in cases {
            assert_eq!(ttml(kind), codecs);
        }
    }
}
