//! `--captions LANG=FILE`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use kinora_client::{CaptionFormat, Client};
use uuid::Uuid;

use crate::failure::{Exit, Failure};
use crate::terminal::format;

/// The server takes no larger ones.
const MOST_BYTES: u64 = 5 << 20;

/// Captions in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Captions {
    language: String,
    path: PathBuf,
}

impl FromStr for Captions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((language, path)) if !language.is_empty() && !path.is_empty() => {
                Ok(Self { language: language.to_owned(), path: path.into() })
            }
            _ => Err("write it as LANG=FILE, such as en=film.vtt".into()),
        }
    }
}

impl Captions {
    /// Whether the file is there and of a possible size.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let path = self.path.display();
        let metadata = std::fs::metadata(&self.path)
            .map_err(|error| Failure::usage(format!("captions {path}: {error}")))?;
        if metadata.len() > MOST_BYTES {
            let (size, most) = (format::bytes(metadata.len()), format::bytes(MOST_BYTES));
            return Err(Failure::usage(format!("captions {path}: {size}, at most {most}")));
        }
        Ok(())
    }

    pub(crate) fn language(&self) -> &str {
        &self.language
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn put(&self, client: &Client, video: Uuid) -> Result<(), Failure> {
        let path = self.path.display();
        let text = std::fs::read(&self.path).map_err(|error| {
            Failure::new(Exit::Failed, "captions", format!("captions {path}: {error}"))
        })?;
        let put = client.put_captions(video, &self.language, None, self.format(), text.into());
        put.await.map_err(|error| {
            let failure = Failure::from(error);
            Failure { what: format!("captions {path}: {}", failure.what), ..failure }
        })?;
        Ok(())
    }

    fn format(&self) -> CaptionFormat {
        match self.path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("srt") => CaptionFormat::SubRip,
            _ => CaptionFormat::WebVtt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_name_a_language_and_a_file() {
        let captions: Captions = "pt-BR=a=b.SRT".parse().unwrap();
        assert_eq!(captions, Captions { language: "pt-BR".into(), path: "a=b.SRT".into() });
        assert_eq!(captions.format(), CaptionFormat::SubRip);
        for bad in ["film.vtt", "=film.vtt", "en="] {
            assert!(bad.parse::<Captions>().is_err(), "{bad}");
        }
    }
}
