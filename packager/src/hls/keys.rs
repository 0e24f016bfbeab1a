//! How segments are encrypted and where keys are (RFC 8216 4.3.2.4, 4.3.4.5).
//!
//! A key is offered in each way that players know: by its address (`identity`), to Widevine, and to
//! ClearKey, for which no format was ever registered; hls.js takes the name of its key system.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::attributes::Attributes;
use crate::{
    crypt::{Scheme, WIDEVINE, widevine},
    delivery::Announced,
    package::Method,
};

const IDENTITY: &str = "identity";
const CLEARKEY: &str = "org.w3.clearkey";

/// What ends the keys before (4.3.2.4).
const NONE: &str = "#EXT-X-KEY:METHOD=NONE\n";

/// `EXT-X-KEY` tags around an initialisation segment, which is in the clear: those before it, and those
/// after it. Keys hold until the next tag, so the first initialisation segment of a track has all that are
/// needed. Where files are encrypted whole they would hold for a later one, too.
pub(super) fn around(key: Option<&Announced>, is_first: bool) -> (&'static str, String) {
    let Some(key) = key else { return Default::default() };
    match (key.method, is_first) {
        (_, true) => ("", segments(key)),
        (Method::Aes128, false) => (NONE, segments(key)),
        (Method::Samples(_), false) => Default::default(),
    }
}

/// The same key for a playlist that lies a folder deeper than the multivariant one: its address may be
/// relative (RFC 3986 4.2).
pub(super) fn below(key: &Announced) -> Announced {
    let is_relative = |uri: &str| {
        let first = uri.split(['/', '?', '#']).next().unwrap_or_default();
        !uri.starts_with('/') && !first.contains(':')
    };
    let up = |uri: &String| if is_relative(uri) { format!("../{uri}") } else { uri.clone() };
    Announced { uri: key.uri.as_ref().map(up), ..key.clone() }
}

/// `EXT-X-SESSION-KEY` tags of all keys, each once.
pub(super) fn session<'a>(keys: impl Iterator<Item = &'a Announced>) -> String {
    let mut seen = BTreeSet::new();
    let tags = keys.flat_map(ways).map(|list| list.line("EXT-X-SESSION-KEY"));
    tags.filter(|tag| seen.insert(tag.clone())).collect()
}

fn segments(key: &Announced) -> String {
    ways(key).iter().map(|list| list.line("EXT-X-KEY")).collect()
}

fn ways(key: &Announced) -> Vec<Attributes> {
    let scheme = match key.method {
        Method::Aes128 => return vec![whole(key)],
        Method::Samples(scheme) => scheme,
    };
    let method = match scheme {
        Scheme::Cbcs => "SAMPLE-AES",
        // Of no RFC, but what Widevine's players take counter mode by.
        Scheme::Cenc => "SAMPLE-AES-CTR",
    };
    let way = |uri: &str, format: &str| {
        let mut list = Attributes::default();
        list.plain("METHOD", method).quoted("URI", uri);
        list.plain("KEYID", format_args!("0x{}", key.id));
        list.quoted("KEYFORMAT", format).quoted("KEYFORMATVERSIONS", "1");
        list
    };
    let data = |bytes: &[u8]| format!("data:text/plain;base64,{}", BASE64.encode(bytes));
    let mut ways = Vec::new();
    if let Some(uri) = &key.uri {
        ways.push(way(uri, IDENTITY));
    }
    if key.license_url.is_some() {
        ways.push(way(&data(&key.id.0), CLEARKEY));
    }
    if key.widevine {
        let format = format!("urn:uuid:{}", WIDEVINE.uuid());
        ways.push(way(&data(&widevine(key.id)), &format));
    }
    ways
}

fn whole(key: &Announced) -> Attributes {
    let mut list = Attributes::default();
    list.plain("METHOD", "AES-128");
    list.quoted("URI", key.uri.as_deref().unwrap_or_default());
    if let Some(vector) = key.vector {
        list.plain("IV", format_args!("0x{:032x}", u128::from_be_bytes(vector)));
    }
    list
}
