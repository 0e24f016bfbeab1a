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

/// `EXT-X-KEY` tags of a track.
pub(super) fn segments(key: &Announced) -> String {
    ways(key).iter().map(|list| list.line("EXT-X-KEY")).collect()
}

/// `EXT-X-SESSION-KEY` tags of all keys, each once.
pub(super) fn session<'a>(keys: impl Iterator<Item = &'a Announced>) -> String {
    let mut seen = BTreeSet::new();
    let tags = keys.flat_map(ways).map(|list| list.line("EXT-X-SESSION-KEY"));
    tags.filter(|tag| seen.insert(tag.clone())).collect()
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
