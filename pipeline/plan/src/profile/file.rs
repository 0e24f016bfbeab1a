//! Reading a profile's file: the user's tables over the default's, then types, then values.

use std::ops::Range;

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer, Error},
};

use super::{Profile, ProfileError, ProfileFault, check::Faults};

/// The built-in default, which lends what files leave out.
pub(super) const DEFAULT: &str = include_str!("../../profiles/default.toml");
/// Bytes of a file: no profile needs more, and errors quote it.
const MOST_BYTES: usize = 256 * 1024;
/// Characters of a description.
const MOST_DESCRIPTION: usize = 200;

pub(super) fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let error = |mut faults: Vec<ProfileFault>| {
        faults.sort_by_key(|fault| (fault.line, fault.column));
        ProfileError { file: file.to_owned(), faults }
    };
    if text.len() > MOST_BYTES {
        let message = format!("longer than {} KiB: this is no profile", MOST_BYTES / 1024);
        return Err(error(vec![ProfileFault::new("", 0..0, String::new(), message)]));
    }
    let (own, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let faults = errors.iter().map(|e| of_error(text, &own, e)).collect();
        return Err(error(faults));
    }
    let mut whole = own.clone();
    let default = DeTable::parse(DEFAULT).expect("the built-in default is TOML");
    complete(whole.get_mut(), default.into_inner());
    let profile = Profile::deserialize(Deserializer::from(whole))
        .map_err(|e| error(vec![of_error(text, &own, &e)]))?;
    let mut faults = Faults::default();
    check(&profile, &mut faults);
    if faults.0.is_empty() {
        return Ok(profile);
    }
    let located = faults
        .0
        .into_iter()
        .map(|(path, message)| ProfileFault::new(text, locate(&own, &path), shown(&path), message));
    Err(error(located.collect()))
}

fn check(profile: &Profile, faults: &mut Faults) {
    let length = profile.description.chars().count();
    if length > MOST_DESCRIPTION || profile.description.chars().any(char::is_control) {
        let message = format!("expected one line of at most {MOST_DESCRIPTION} characters");
        faults.add("description", message);
    }
    profile.video.check(faults);
    profile.audio.check(faults);
    profile.quality.check(faults);
}

/// Fills in what is missing; lists are not mixed.
fn complete<'a>(own: &mut DeTable<'a>, default: DeTable<'a>) {
    for (key, value) in default {
        match own.get_mut(key.get_ref().as_ref()) {
            None => {
                own.insert(key, value);
            }
            Some(present) => {
                if let (DeValue::Table(own), DeValue::Table(default)) =
                    (present.get_mut(), value.into_inner())
                {
                    complete(own, default);
                }
            }
        }
    }
}

/// An error of the parser or of serde. It knows a place in the file, which knows the key.
fn of_error(text: &str, own: &Spanned<DeTable<'_>>, error: &Error) -> ProfileFault {
    let span = error.span().unwrap_or(0..0);
    let key = key_at(own.get_ref(), span.start).map(|path| shown(&path)).unwrap_or_default();
    ProfileFault::new(text, span, key, error.message().replace('\n', ": "))
}

/// The path of the innermost key whose name or value lies at `at`.
fn key_at(table: &DeTable<'_>, at: usize) -> Option<String> {
    let deeper = |key: &str, value: &DeValue<'_>| {
        let inner = match value {
            DeValue::Table(table) => key_at(table, at),
            DeValue::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
                let within = match item.get_ref() {
                    DeValue::Table(table) => key_at(table, at),
                    _ => None,
                };
                match within {
                    Some(path) => Some(format!("{index}.{path}")),
                    None => item.span().contains(&at).then(|| index.to_string()),
                }
            }),
            _ => None,
        };
        inner.map(|path| format!("{key}.{path}"))
    };
    table.iter().find_map(|(key, value)| {
        let here = key.span().contains(&at) || value.span().contains(&at);
        deeper(key.get_ref(), value.get_ref()).or_else(|| here.then(|| key.get_ref().to_string()))
    })
}

/// Where the value of a path stands, or the nearest table above it that the file has.
fn locate(own: &Spanned<DeTable<'_>>, path: &str) -> Range<usize> {
    let mut span = 0..0;
    let mut parts = path.split('.');
    let Some(mut value) = parts.next().and_then(|first| own.get_ref().get(first)) else {
        return span;
    };
    loop {
        span = value.span();
        let Some(part) = parts.next() else { return span };
        let next = match value.get_ref() {
            DeValue::Table(table) => table.get(part),
            DeValue::Array(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return span,
        }
    }
}

/// `video.steps.1.crf` as people write it: `video.steps[1].crf`.
fn shown(path: &str) -> String {
    let mut shown = String::new();
    for part in path.split('.') {
        if part.bytes().all(|b| b.is_ascii_digit()) {
            shown.push_str(&format!("[{part}]"));
        } else {
            if !shown.is_empty() {
                shown.push('.');
            }
            shown.push_str(part);
        }
    }
    shown
}
