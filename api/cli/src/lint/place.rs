//! Where a playlist lies, and where those lie that it names.

use std::fmt::{self, Display, Formatter};
use std::path::{Component, Path, PathBuf};

use reqwest::Url;

use crate::failure::Failure;

/// A file, or an address of HTTP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    File(PathBuf),
    Url(Url),
}

impl Place {
    /// What a user names.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let url = Url::parse(text).map_err(|error| Failure::usage(format!("{text}: {error}")))?;
        if !is_http(&url) {
            let what = format!("{text}: only http and https are fetched");
            return Err(Failure::usage(what));
        }
        Ok(Self::Url(url))
    }

    /// A playlist that this one names. What lies elsewhere than it may be fetched from is left out: of a
    /// file, what lies on a server or outside its folder.
    pub(super) fn beside(&self, name: &str) -> Option<Self> {
        match self {
            Self::File(file) => beside(file, name).map(Self::File),
            // Variables would have to be put in first.
            Self::Url(_) if name.contains("{$") => None,
            Self::Url(url) => url.join(name).ok().filter(is_http).map(Self::Url),
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Url(url) => url.fmt(f),
        }
    }
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn beside(file: &Path, name: &str) -> Option<PathBuf> {
    let name = name.split(['?', '#']).next().unwrap_or_default();
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if name.is_empty() || !plain || name.contains("://") {
        return None;
    }
    Some(file.parent().unwrap_or(Path::new("")).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(place: &str, name: &str) -> Option<String> {
        Place::parse(place).unwrap().beside(name).map(|place| place.to_string())
    }

    #[test]
    fn addresses_inherit_what_stands_before_them() {
        let main = "https://host/t/secret/hls.m3u8?x=1";
        assert_eq!(next(main, "v/a.m3u8").unwrap(), "https://host/t/secret/v/a.m3u8");
        assert_eq!(next(main, "http://other/a").unwrap(), "http://other/a");
        assert_eq!(next(main, "file:///etc/passwd"), None);
        assert_eq!(next(main, "{$where}/a.m3u8"), None);
    }

    #[test]
    fn a_file_names_files_of_its_folder() {
        assert_eq!(next("film/hls.m3u8", "v/a.m3u8?t=1").unwrap(), "film/v/a.m3u8");
        for outside in ["../a.m3u8", "/a.m3u8", "http://host/a.m3u8", ""] {
            assert_eq!(next("film/hls.m3u8", outside), None, "{outside}");
        }
    }

    #[test]
    fn only_http_is_fetched() {
        assert!(Place::parse("ftp://host/a").is_err());
        assert!(Place::parse("http://").is_err());
    }
}
