//! Languages as containers tag them, and as players show them.

/// ISO 639-1 code, ISO 639-2 codes (terminological, bibliographic), the language's own name.
/// Containers mostly write the longer codes, BCP 47 (RFC 5646 2.2.1) wants the shorter ones.
const LANGUAGES: [(&str, &str, &str, &str); 32] = [
    ("ar", "ara", "ara", "العربية"),
    ("bg", "bul", "bul", "Български"),
    ("bn", "ben", "ben", "বাংলা"),
    ("ca", "cat", "cat", "Català"),
    ("cs", "ces", "cze", "Čeština"),
    ("da", "dan", "dan", "Dansk"),
    ("de", "deu", "ger", "Deutsch"),
    ("el", "ell", "gre", "Ελληνικά"),
    ("en", "eng", "eng", "English"),
    ("es", "spa", "spa", "Español"),
    ("fa", "fas", "per", "فارسی"),
    ("fi", "fin", "fin", "Suomi"),
    ("fr", "fra", "fre", "Français"),
    ("he", "heb", "heb", "עברית"),
    ("hi", "hin", "hin", "हिन्दी"),
    ("hr", "hrv", "hrv", "Hrvatski"),
    ("hu", "hun", "hun", "Magyar"),
    ("id", "ind", "ind", "Bahasa Indonesia"),
    ("it", "ita", "ita", "Italiano"),
    ("ja", "jpn", "jpn", "日本語"),
    ("ko", "kor", "kor", "한국어"),
    ("nl", "nld", "dut", "Nederlands"),
    ("no", "nor", "nor", "Norsk"),
    ("pl", "pol", "pol", "Polski"),
    ("pt", "por", "por", "Português"),
    ("ro", "ron", "rum", "Română"),
    ("ru", "rus", "rus", "Русский"),
    ("sv", "swe", "swe", "Svenska"),
    ("tr", "tur", "tur", "Türkçe"),
    ("uk", "ukr", "ukr", "Українська"),
    ("vi", "vie", "vie", "Tiếng Việt"),
    ("zh", "zho", "chi", "中文"),
];

const UNKNOWN: &str = "und";
/// Longer names would not fit a menu.
const NAME_CHARS: usize = 60;
/// RFC 5646 4.4.1 asks to support tags of 35 characters.
const TAG_CHARS: usize = 35;

/// The BCP 47 tag, in small letters, for what a container says; `und` when it says nothing that
/// could be a tag.
pub fn tag(tagged: Option<&str>) -> String {
    let tagged = tagged.unwrap_or_default().trim().to_ascii_lowercase().replace('_', "-");
    let subtag = |s: &str| {
        (1..=8).contains(&s.len())
            && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let (first, rest) = tagged.split_once('-').unwrap_or((&tagged, ""));
    let known = |&&(_, terminological, bibliographic, _): &&(&str, &str, &str, &str)| {
        first == terminological || first == bibliographic
    };
    let first = LANGUAGES.iter().find(known).map_or(first, |language| language.0);
    let is_language =
        (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_lowercase());
    if tagged.len() > TAG_CHARS || !is_language || !tagged.split('-').all(subtag) {
        return UNKNOWN.to_owned();
    }
    if rest.is_empty() { first.to_owned() } else { format!("{first}-{rest}") }
}

/// What a player's menu shows: the title, else the language's own name, else its tag, else
/// `Audio`. Without control characters and double quotes, which playlists cannot carry.
pub fn menu_name(title: Option<&str>, tag: &str) -> String {
    menu_name_or(title, tag, "Audio")
}

/// As [`menu_name`], with another word for what has neither title nor language.
pub(crate) fn menu_name_or(title: Option<&str>, tag: &str, unknown: &str) -> String {
    let clean = |text: &str| -> String {
        let shown = text.chars().filter(|c| !c.is_control());
        shown.map(|c| if c == '"' { '\'' } else { c }).take(NAME_CHARS).collect()
    };
    let title = clean(title.unwrap_or_default().trim());
    if !title.is_empty() {
        return title;
    }
    let first = tag.split('-').next().unwrap_or_default();
    match LANGUAGES.iter().find(|language| language.0 == first) {
        Some(language) => language.3.to_owned(),
        None if tag == UNKNOWN => unknown.to_owned(),
        None => tag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_tags_become_bcp_47() {
        let cases = [
            (Some("eng"), "en"),
            (Some("ger"), "de"),
            (Some("deu"), "de"),
            (Some("pt_BR"), "pt-br"),
            (Some("gsw"), "gsw"),
            (Some("und"), "und"),
            (Some("../../x"), "und"),
            (Some("en-"), "und"),
            (Some("x"), "und"),
            (None, "und"),
        ];
        for (tagged, expected) in cases {
            assert_eq!(tag(tagged), expected, "{tagged:?}");
        }
    }

    #[test]
    fn menus_show_a_name() {
        assert_eq!(menu_name(Some("Director's \"cut\"\n"), "en"), "Director's 'cut'");
        assert_eq!(menu_name(None, "pt-br"), "Português");
        assert_eq!(menu_name(Some(" "), "gsw"), "gsw");
        assert_eq!(menu_name(None, "und"), "Audio");
    }
}
