//! The list of keys and values (CTA-5004 3.2): `bl=21300,bs,ot=v,sid="6e2f"`.

use std::collections::BTreeMap;

/// More keys than this are not read.
const MOST_KEYS: usize = 64;

/// What a key is set to.
#[derive(Debug, Clone, PartialEq)]
pub enum CmcdValue {
    /// Of a key that stands alone: true.
    Flag(bool),
    /// A number.
    Number(f64),
    /// Text that was in quotes.
    Text(String),
    /// A word that was not.
    Token(String),
}

/// Reads `text`; what makes no sense is left out, and of a key that comes twice the first counts.
pub(super) fn parse(text: &str) -> BTreeMap<String, CmcdValue> {
    let mut keys = BTreeMap::new();
    for element in elements(text).take(MOST_KEYS) {
        let (key, value) = match element.split_once('=') {
            None => (element, Some(CmcdValue::Flag(true))),
            Some((key, value)) => (key, read(value)),
        };
        let key = key.trim();
        let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if let Some(value) = value
            && !key.is_empty()
            && key.bytes().all(named)
        {
            keys.entry(key.to_owned()).or_insert(value);
        }
    }
    keys
}

fn read(value: &str) -> Option<CmcdValue> {
    let value = value.trim();
    Some(match value {
        "" => return None,
        "true" => CmcdValue::Flag(true),
        "false" => CmcdValue::Flag(false),
        _ => match (value.strip_prefix('"'), value.parse::<f64>()) {
            (Some(quoted), _) => CmcdValue::Text(unescape(quoted.strip_suffix('"')?)),
            (None, Ok(number)) if number.is_finite() => CmcdValue::Number(number),
            (None, _) => CmcdValue::Token(value.to_owned()),
        },
    })
}

/// What stands between the commas outside of quotes.
fn elements(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    })
}

fn unescape(text: &str) -> String {
    let mut escaped = false;
    text.chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CmcdValue::*, *};

    #[test]
    fn reads_every_kind() {
        let keys = parse(
            r#"br=3200,bs,d=4004,mtp=25400,ot=v,nor="..%2F2.m4s",sid="a\",b\\c",su=false,com.x-y=z"#,
        );
        let expected = [
            ("br", Number(3200.0)),
            ("bs", Flag(true)),
            ("com.x-y", Token("z".into())),
            ("d", Number(4004.0)),
            ("mtp", Number(25400.0)),
            ("nor", Text("..%2F2.m4s".into())),
            ("ot", Token("v".into())),
            ("sid", Text(r#"a",b\c"#.into())),
            ("su", Flag(false)),
        ];
        assert_eq!(keys, expected.map(|(key, value)| (key.to_owned(), value)).into());
    }

    #[test]
    fn leaves_out_what_makes_no_sense() {
        let keys = parse(r#",=1,a b=2,c=,d="x,e=1,br=1,br=2"#);
        assert!(keys.is_empty(), "{keys:?}: an open quote takes the rest");
        assert_eq!(parse("br=1,,br=2,x=inf").len(), 2);
        assert_eq!(parse(&"a,".repeat(1000)).len(), 1);
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,200}") {
            prop_assert!(parse(&text).len() <= MOST_KEYS);
        }
    }
}
