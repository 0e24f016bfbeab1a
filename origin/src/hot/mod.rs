//! Answers that are given often, ready to be sent: their heads written once, their bodies where
//! the caches keep them. A plain request for one never reaches hyper.

mod request;

use std::{
    collections::VecDeque,
    hash::{Hash, Hasher},
    io::Write as _,
    net::IpAddr,
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use kinora_media::playback::TokenKey;
use quick_cache::{
    DefaultHashBuilder, Equivalent, Weighter,
    sync::{Cache, DefaultLifecycle},
};

pub(crate) use self::request::{Head, Plain, coding, read};
use crate::{
    cache::{MediaCache, MediaFile, Sealed, Slice, SliceId, bounded},
    http::{Coding, SERVER_TIMING},
    index::Index,
    metrics::Class,
    quota::Ticket,
};

/// Bytes that heads and short bodies may take.
const WEIGHT: u64 = 32 << 20;
/// Room for the playlist of a day, and others beside it.
const PART: u64 = 8 << 20;

/// The answers.
#[derive(Debug)]
pub(crate) struct HotAnswers {
    answers: Cache<Name, Arc<Hot>, HotWeight>,
}

/// What a whole answer to GET says.
#[derive(Debug)]
pub(crate) struct Hot {
    /// Status and fields, without Date and without the empty line.
    pub(crate) head: Bytes,
    /// The fields for hyper, without what each answer says of itself.
    pub(crate) fields: HeaderMap,
    pub(crate) class: Class,
    /// Under which revision it was answered.
    pub(crate) index: Arc<Index>,
    /// Until when its token is good, seconds since 1970; without one, for ever.
    pub(crate) expires_s: i64,
    /// The keys by which its token was good, if it takes one.
    pub(crate) keys: Option<Arc<[TokenKey]>>,
    /// The token, if it takes one.
    pub(crate) token: Option<Box<str>>,
    /// The network of who may have it, if its token is bound to one.
    pub(crate) client: Option<IpAddr>,
    body: HotBody,
}

#[derive(Debug)]
enum HotBody {
    Bytes(Bytes),
    Slices(Vec<SliceId>),
}

/// One answer, ready to be sent after its body.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) hot: Arc<Hot>,
    pub(crate) ticket: Option<Ticket>,
}

/// A whole body in memory, for one answer.
#[derive(Debug)]
pub(crate) enum Stretch {
    Bytes(Bytes),
    Slice(Slice),
}

/// What of a response makes it hot.
#[derive(Debug, Clone)]
pub(crate) enum Whole {
    Bytes(Bytes),
    File(MediaFile),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    path: Box<str>,
    coding: Coding,
}

/// A name that is looked for.
struct Wanted<'a> {
    path: &'a str,
    coding: Coding,
}

#[derive(Debug, Clone)]
struct HotWeight;

impl HotAnswers {
    pub(crate) fn new() -> Self {
        let options = bounded(WEIGHT, PART, 2048);
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { answers: Cache::with_options(options, HotWeight, hasher, lifecycle) }
    }

    /// Remembers an answer to a plain GET of `path`.
    pub(crate) fn insert(&self, path: &str, coding: Coding, hot: Hot) {
        self.answers.insert(Name { path: path.into(), coding }, Arc::new(hot));
    }

    pub(crate) fn get(&self, path: &str, coding: Coding) -> Option<Arc<Hot>> {
        self.answers.get(&Wanted { path, coding })
    }
}

impl Hot {
    pub(crate) fn new(fields: &HeaderMap, whole: Whole, class: Class, index: Arc<Index>) -> Self {
        let mut fields = fields.clone();
        fields.remove(SERVER_TIMING);
        let mut head = Vec::new();
        write_head(&mut head, StatusCode::OK, &fields);
        let _ = write!(head, "server-timing: origin;desc=hot;dur=0\r\n");
        let body = match whole {
            Whole::Bytes(bytes) => HotBody::Bytes(bytes),
            Whole::File(file) => HotBody::Slices(file.slices()),
        };
        let head = head.into();
        let expires_s = i64::MAX;
        let (keys, token, client) = (None, None, None);
        Self { head, fields, class, index, expires_s, keys, token, client, body }
    }

    /// Appends the body to `stretches`; whether all of it is in memory.
    pub(crate) fn body(&self, media: &MediaCache, stretches: &mut VecDeque<Stretch>) -> bool {
        match &self.body {
            HotBody::Bytes(bytes) => stretches.push_back(Stretch::Bytes(bytes.clone())),
            HotBody::Slices(ids) => {
                for id in ids {
                    let Some(slice) = media.kept(id) else { return false };
                    stretches.push_back(Stretch::Slice(slice));
                }
            }
        }
        true
    }
}

impl Stretch {
    pub(crate) fn bytes(&self) -> &Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Slice(slice) => slice.bytes(),
        }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Slice(slice) => slice.into_bytes(),
        }
    }

    /// The memory file it is sent from without a copy, if that is the cheaper way.
    pub(crate) fn file(&self) -> Option<&Sealed> {
        match self {
            Self::Slice(slice) => slice.sealed(),
            Self::Bytes(_) => None,
        }
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Wanted { path: &self.path, coding: self.coding }.hash(state);
    }
}

impl Hash for Wanted<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.path.hash(state);
        self.coding.hash(state);
    }
}

impl Equivalent<Name> for Wanted<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        *self.path == *name.path && self.coding == name.coding
    }
}

impl Weighter<Name, Arc<Hot>> for HotWeight {
    fn weight(&self, name: &Name, hot: &Arc<Hot>) -> u64 {
        let body = match &hot.body {
            HotBody::Bytes(bytes) => bytes.len(),
            HotBody::Slices(ids) => ids.len() * 64,
        };
        // The fields are there twice, once for hyper.
        (1024 + name.path.len() + 2 * hot.head.len() + body) as u64
    }
}

/// Appends status and fields to `head`, all but [`date_line`].
pub(crate) fn write_head(head: &mut Vec<u8>, status: StatusCode, fields: &HeaderMap) {
    let _ = write!(head, "HTTP/1.1 {status}\r\n");
    for (name, value) in fields {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
}

/// The line that ends a head: it says when it is sent.
pub(crate) fn date_line() -> [u8; 39] {
    thread_local! {
        static LINE: std::cell::Cell<(u64, [u8; 39])> = const { std::cell::Cell::new((0, [0; 39])) };
    }
    let now = std::time::SystemTime::now();
    let second = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (at, mut line) = LINE.get();
    if at != second {
        let text = format!("{}: {}\r\n\r\n", header::DATE, httpdate::fmt_http_date(now));
        line = text.as_bytes().try_into().expect("a date in HTTP always has 29 characters");
        LINE.set((second, line));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_ends_a_head() {
        let line = date_line();
        let line = std::str::from_utf8(&line).unwrap();
        let date = line.strip_prefix("date: ").unwrap().strip_suffix("\r\n\r\n").unwrap();
        assert!(httpdate::parse_http_date(date).is_ok(), "{line:?}");
        assert_eq!(date_line().as_slice(), line.as_bytes());
    }
}
