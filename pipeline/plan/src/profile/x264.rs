//! Single options of x264 that a profile may set.
//!
//! Left out is what the pipeline decides: where key frames fall, what players must buffer,
//! threads, and whatever would make parameter sets differ between chunks.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};

use super::check::Faults;

/// Options by name, laid over the preset's; values as x264 writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct X264Options(BTreeMap<String, Value>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct Value(String);

impl<'de> Deserialize<'de> for Value {
    /// TOML's numbers and switches as well as texts.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text, true or false")
            }

            fn visit_bool<E: Error>(self, on: bool) -> Result<Value, E> {
                Ok(Value(u8::from(on).to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl X264Options {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each name and value, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, Value(value))| (name.as_str(), value.as_str()))
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|Value(value)| value.as_str())
    }

    pub(super) fn check(&self, key: &str, faults: &mut Faults) {
        for (name, value) in self.iter() {
            let key = format!("{key}.{name}");
            match OPTIONS.binary_search_by_key(&name, |(known, _)| known) {
                Ok(at) => {
                    if let Err(expected) = OPTIONS[at].1.check(value) {
                        faults.add(&key, format!("{value}: expected {expected}"));
                    }
                }
                Err(_) => {
                    let names: Vec<_> = OPTIONS.iter().map(|(name, _)| *name).collect();
                    let names = names.join(", ");
                    faults.add(
                        &key,
                        format!("not an option that may be set; expected one of {names}"),
                    );
                }
            }
        }
    }
}

/// What an option takes.
enum Takes {
    Switch,
    Integer(i64, i64),
    Number(f64, f64),
    /// Two numbers with a colon between them.
    Pair(f64, f64),
    Word(&'static [&'static str]),
    /// Some of these, separated by commas.
    Words(&'static [&'static str]),
}

/// In the order of names. `ref` and `b-pyramid` stay within the decoded pictures that levels are
/// chosen for, `rc-lookahead` within the memory a child may take.
const OPTIONS: [(&str, Takes); 29] = [
    ("8x8dct", Takes::Switch),
    ("aq-mode", Takes::Integer(0, 3)),
    ("aq-strength", Takes::Number(0.0, 3.0)),
    ("b-adapt", Takes::Integer(0, 2)),
    ("b-bias", Takes::Integer(-90, 100)),
    ("b-pyramid", Takes::Word(&["none", "strict", "normal"])),
    ("bframes", Takes::Integer(0, 8)),
    ("chroma-qp-offset", Takes::Integer(-12, 12)),
    ("dct-decimate", Takes::Switch),
    ("deblock", Takes::Pair(-6.0, 6.0)),
    ("direct", Takes::Word(&["none", "spatial", "temporal", "auto"])),
    ("fast-pskip", Takes::Switch),
    ("ipratio", Takes::Number(1.0, 2.0)),
    ("mbtree", Takes::Switch),
    ("me", Takes::Word(&["dia", "hex", "umh"])),
    ("merange", Takes::Integer(4, 32)),
    ("mixed-refs", Takes::Switch),
    ("nr", Takes::Integer(0, 1000)),
    ("partitions", Takes::Words(&["p8x8", "p4x4", "b8x8", "i8x8", "i4x4", "none", "all"])),
    ("pbratio", Takes::Number(1.0, 2.0)),
    ("psy", Takes::Switch),
    ("psy-rd", Takes::Pair(0.0, 10.0)),
    ("qcomp", Takes::Number(0.0, 1.0)),
    ("rc-lookahead", Takes::Integer(0, 60)),
    ("ref", Takes::Integer(1, 4)),
    ("subme", Takes::Integer(0, 11)),
    ("trellis", Takes::Integer(0, 2)),
    ("weightb", Takes::Switch),
    ("weightp", Takes::Integer(0, 2)),
];

impl Takes {
    /// `Err` says what was expected.
    fn check(&self, value: &str) -> Result<(), String> {
        let (fits, expected) = match *self {
            Self::Switch => (matches!(value, "0" | "1"), "true or false".to_owned()),
            Self::Integer(least, most) => {
                let fits = value.parse().is_ok_and(|number| (least..=most).contains(&number));
                (fits, format!("a whole number from {least} to {most}"))
            }
            Self::Number(least, most) => {
                (within(value, least, most), format!("a number from {least} to {most}"))
            }
            Self::Pair(least, most) => {
                let pair = value.split_once(':');
                let fits =
                    pair.is_some_and(|(a, b)| within(a, least, most) && within(b, least, most));
                (fits, format!("a text of two numbers from {least} to {most}, such as \"1:0\""))
            }
            Self::Word(words) => (words.contains(&value), format!("one of {}", words.join(", "))),
            Self::Words(words) => {
                let fits = value.split(',').all(|word| words.contains(&word));
                (fits, format!("some of {}, separated by commas", words.join(", ")))
            }
        };
        if fits { Ok(()) } else { Err(expected) }
    }
}

fn within(text: &str, least: f64, most: f64) -> bool {
    plain(text) && text.parse().is_ok_and(|number: f64| (least..=most).contains(&number))
}

/// Digits, a sign and a point: no `inf`, no exponents.
fn plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_for_the_search() {
        assert!(OPTIONS.is_sorted_by_key(|(name, _)| *name));
    }
}
