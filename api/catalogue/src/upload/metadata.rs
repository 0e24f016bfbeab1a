//! `Upload-Metadata` (tus 1.0, "Creation").

use base64::{Engine, engine::general_purpose::STANDARD};
use kinora_media::{Priority, VideoId};

use crate::{command::text, error::Error};

/// Bytes of the header, at most.
const MAX_BYTES: usize = 8 << 10;

/// What of the metadata means something to us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// The video to upload to; a new one where absent.
    pub(crate) video: Option<VideoId>,
    /// The file's name, without folders.
    pub(crate) file_name: Option<String>,
    /// The name of a profile.
    pub(crate) profile: Option<String>,
    /// Whether somebody waits for it.
    pub(crate) priority: Option<Priority>,
}

/// Reads comma-separated pairs of a key and, after a blank, its value in base64.
pub(crate) fn parse(header: &str) -> Result<Metadata, Error> {
    let bad = |what: &str| Error::Invalid(format!("Upload-Metadata: {what}"));
    if header.len() > MAX_BYTES {
        return Err(bad("longer than 8 KiB"));
    }
    let mut metadata = Metadata::default();
    for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        if !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(bad("keys are printable ASCII"));
        }
        let value = STANDARD.decode(value.trim()).map_err(|_| bad("values are base64"))?;
        let Ok(value) = String::from_utf8(value) else { continue };
        match key {
            "video" => {
                metadata.video = Some(value.parse().map_err(|_| Error::NoVideo)?);
            }
            "filename" => metadata.file_name = text::file_name(&value),
            "name" if metadata.file_name.is_none() => metadata.file_name = text::file_name(&value),
            "profile" => metadata.profile = Some(value),
            "priority" => {
                let word = value.parse().map_err(|e| Error::InvalidValue(format!("{e}")))?;
                metadata.priority = Some(word);
            }
            // Any other key is the client's own: HEAD gives it back.
            _ => {}
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_videos_are_found_among_keys_of_the_client() {
        let id: VideoId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let pair = |key: &str, value: &str| format!("{key} {}", STANDARD.encode(value));
        let header = [
            pair("video", &id.to_string()),
            pair("name", "second.mp4"),
            pair("filename", "C:\\films\\../x/F\u{fc}\u{202e}\0\u{df}e.mp4"),
            "is_confidential".into(),
            pair("filetype", "video/mp4"),
            pair("profile", "fast"),
            pair("priority", "bulk"),
        ];
        let metadata = parse(&header.join(",")).unwrap();
        assert_eq!((metadata.video, metadata.profile.as_deref()), (Some(id), Some("fast")));
        assert_eq!(metadata.priority, Some(Priority::Bulk));
        assert!(parse(&pair("priority", "high")).is_err());
        assert_eq!(metadata.file_name.as_deref(), Some("F\u{fc}\u{df}e.mp4"));
        assert_eq!(parse("").unwrap(), Metadata::default());
        assert_eq!(parse(&pair("name", "a.mp4")).unwrap().file_name.as_deref(), Some("a.mp4"));
    }

    #[test]
    fn what_is_no_metadata_is_refused() {
        for bad in ["filename ***", "f\u{fc} eA==", &"x,".repeat(5000)] {
            assert!(matches!(parse(bad), Err(Error::Invalid(_))), "{bad}");
        }
        assert!(matches!(parse("video eA=="), Err(Error::NoVideo)));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(header in ".{0,200}") {
            let _ = parse(&header);
        }
    }
}
