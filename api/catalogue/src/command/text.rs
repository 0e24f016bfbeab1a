//! Names that people give.

use crate::error::Error;

/// Characters of a title, at most.
const TITLE: usize = 200;
/// Characters of a file name, at most.
const FILE_NAME: usize = 255;
/// Characters of a caption track's name, at most.
const CAPTIONS_NAME: usize = 100;

/// A title: 1 to 200 characters on one line.
pub(crate) fn title(text: &str) -> Result<String, Error> {
    line("title", text, TITLE)
}

/// What a player's menu shows: 1 to 100 characters on one line.
pub(crate) fn captions_name(text: &str) -> Result<String, Error> {
    line("name", text, CAPTIONS_NAME)
}

fn line(what: &str, text: &str, limit: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > limit || text.chars().any(char::is_control) {
        let detail = format!("{what} must be 1 to {limit} characters on one line");
        return Err(Error::InvalidValue(detail));
    }
    Ok(text.to_owned())
}

/// A file name as people may see it: without folders, control characters and those that turn
/// the direction of writing; `None` if nothing is left.
pub(crate) fn file_name(text: &str) -> Option<String> {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let shown = |c: &char| !c.is_control() && !turns_direction(*c);
    let name: String = name.chars().filter(shown).take(FILE_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Bidirectional formatting characters (Unicode UAX #9, 2).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The title of a video that came as a file: its name without the extension.
pub(crate) fn title_from(file_name: Option<&str>) -> String {
    let name = file_name.unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).trim();
    if stem.is_empty() { "Untitled video".to_owned() } else { stem.chars().take(TITLE).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_line() {
        assert_eq!(title("  Holiday \u{1f3d6} ").unwrap(), "Holiday \u{1f3d6}");
        assert!(title(&"\u{e4}".repeat(200)).is_ok());
        for bad in ["", "  ", "a\nb", "a\0", &"\u{e4}".repeat(201)] {
            assert!(title(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn file_names_are_shown_without_folders_and_tricks() {
        let cases = [
            ("../../etc/passwd", Some("passwd")),
            ("C:\\films\\a b.mp4", Some("a b.mp4")),
            ("evil\u{202e}4pm.exe\0", Some("evil4pm.exe")),
            ("..", Some("..")),
            ("/", None),
            ("\n", None),
        ];
        for (text, expected) in cases {
            assert_eq!(file_name(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(file_name(&"x".repeat(999)).unwrap().len(), 255);
    }

    #[test]
    fn a_video_is_called_like_its_file() {
        assert_eq!(title_from(Some("film.final.mp4")), "film.final");
        assert_eq!(title_from(Some("film")), "film");
        assert_eq!(title_from(Some(".mp4")), "Untitled video");
        assert_eq!(title_from(None), "Untitled video");
    }
}
