//! ContentProtection (ISO/IEC 23009-1 5.8.4.1, 23001-7 11): how a set is encrypted, and for whom.

use std::convert::Infallible;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::xml::Xml;
use crate::{
    crypt::{WIDEVINE, widevine},
    delivery::Announced,
    package::Method,
};

const MP4_PROTECTION: &str = "urn:mpeg:dash:mp4protection:2011";
/// ClearKey (DASH-IF IOP 4.3, 7.6.2.4).
const CLEARKEY: &str = "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e";
const CENC_NAMESPACE: (&str, &str) = ("xmlns:cenc", "urn:mpeg:cenc:2013");
const DASH_IF_NAMESPACE: (&str, &str) = ("xmlns:dashif", "https://dashif.org/CPS");

/// Of a set whose representations all have this key.
pub(super) fn write(xml: &mut Xml, key: &Announced) {
    // Whole segments are for HLS alone.
    let Method::Samples(scheme) = key.method else { return };
    let scheme = std::str::from_utf8(scheme.code()).expect("codes of schemes are ASCII");
    let id = key.id.uuid();
    let protected = [
        ("schemeIdUri", MP4_PROTECTION),
        ("value", scheme),
        ("cenc:default_KID", &*id),
        CENC_NAMESPACE,
    ];
    xml.empty("ContentProtection", &protected);
    // No `cenc:pssh`: dash.js would ask with it as if it were a list of names.
    let license = key.license_url.clone().map(|url| ("dashif:Laurl", DASH_IF_NAMESPACE, url));
    write_system(xml, CLEARKEY, "ClearKey1.0", license);
    if key.widevine {
        let pssh = ("cenc:pssh", CENC_NAMESPACE, BASE64.encode(widevine(key.id)));
        write_system(xml, &format!("urn:uuid:{}", WIDEVINE.uuid()), "Widevine", Some(pssh));
    }
}

/// A key system, with what it needs: an element with its namespace, and its text.
fn write_system(
    xml: &mut Xml,
    system: &str,
    name: &str,
    child: Option<(&str, (&'static str, &'static str), String)>,
) {
    let mut attributes = vec![("schemeIdUri", system), ("value", name)];
    let Some((element, namespace, text)) = child else {
        return xml.empty("ContentProtection", &attributes);
    };
    attributes.push(namespace);
    let Ok(()) = xml.element("ContentProtection", &attributes, |xml| {
        xml.text(element, &text);
        Ok::<(), Infallible>(())
    });
}
