//! Requests that are plain enough to be answered without hyper.

use std::mem::MaybeUninit;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::http::Coding;

/// Header fields of a plain request; who sends more is answered by hyper.
const MOST_FIELDS: usize = 32;

/// What the first bytes of a connection, or those after a request, are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head<'a> {
    /// The beginning of a head.
    Partial,
    Plain(Plain<'a>),
    /// A head of so many bytes, and no body.
    Other(usize),
    /// Something that hyper must read itself: a body may follow, or it is no request.
    Unreadable,
}

/// GET or HEAD of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plain<'a> {
    /// Of its head, which is all of it.
    pub(crate) length: usize,
    pub(crate) head_only: bool,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) coding: Coding,
    /// Conditions, ranges, and what players report.
    pub(crate) fields: HeaderMap,
    /// Whether it is for the whole file, in whatever state.
    pub(crate) whole: bool,
}

/// Reads the first request of `bytes`.
pub(crate) fn read(bytes: &[u8]) -> Head<'_> {
    let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut room) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Head::Partial,
        Err(_) => return Head::Unreadable,
    };
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let mut plain = matches!(method, "GET" | "HEAD") && request.version == Some(1);
    let (mut hosts, mut accepted) = (0, None);
    let (mut fields, mut whole) = (HeaderMap::new(), true);
    for &mut field in request.headers {
        match kind(field.name) {
            Kind::Body => return Head::Unreadable,
            kind @ (Kind::Decisive | Kind::Report) => {
                whole &= !matches!(kind, Kind::Decisive);
                plain &= keep(&mut fields, &field);
            }
            Kind::Connection => plain &= field.value.eq_ignore_ascii_case(b"keep-alive"),
            Kind::Host => hosts += 1,
            Kind::AcceptEncoding => plain &= accepted.replace(field.value).is_none(),
            Kind::Other => {}
        }
    }
    if !plain || hosts != 1 || !target.starts_with('/') {
        return Head::Other(length);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let coding = match accepted.and_then(|value| HeaderValue::from_bytes(value).ok()) {
        None => Coding::Identity,
        Some(value) => coding(path, &HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)])),
    };
    let head_only = method == "HEAD";
    Head::Plain(Plain { length, head_only, path, query, coding, fields, whole })
}

/// Keeps a field as hyper would; whether it can be.
fn keep(fields: &mut HeaderMap, field: &httparse::Header<'_>) -> bool {
    match (HeaderName::from_bytes(field.name.as_bytes()), HeaderValue::from_bytes(field.value)) {
        (Ok(name), Ok(value)) => {
            fields.append(name, value);
            true
        }
        _ => false,
    }
}

/// In which form the file at `path` is sent to a client that sends `headers`. Media has one.
pub(crate) fn coding(path: &str, headers: &HeaderMap) -> Coding {
    let media = [".m4s", ".mp4", ".jpg"].iter().any(|end| path.ends_with(end));
    if media { Coding::Identity } else { Coding::accepted(headers) }
}

/// What a header field means here.
enum Kind {
    /// A body follows, perhaps.
    Body,
    /// It decides what is answered.
    Decisive,
    /// It is to be handed on.
    Report,
    Connection,
    Host,
    AcceptEncoding,
    Other,
}

fn kind(name: &str) -> Kind {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let begins = |start: &str| {
        name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    match name.as_bytes().first().map(u8::to_ascii_lowercase) {
        Some(b'a') if is("accept-encoding") => Kind::AcceptEncoding,
        Some(b'c') if is("connection") => Kind::Connection,
        Some(b'c') if is("content-length") => Kind::Body,
        Some(b'c') if begins("cmcd-") => Kind::Report,
        Some(b'e') if is("expect") => Kind::Body,
        Some(b'h') if is("host") => Kind::Host,
        Some(b'i') if begins("if-") => Kind::Decisive,
        Some(b'r') if is("range") => Kind::Decisive,
        Some(b't') if is("transfer-encoding") => Kind::Body,
        Some(b'u') if is("upgrade") => Kind::Body,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(line: &str, fields: &[&str]) -> String {
        format!("{line}\r\n{}\r\n\r\n", fields.join("\r\n"))
    }

    #[test]
    fn plain_requests() {
        let text = head("GET /a/b.m3u8?x=1 HTTP/1.1", &["Host: h", "Accept-Encoding: gzip, br"]);
        let Head::Plain(plain) = read(text.as_bytes()) else { panic!("{text}") };
        assert_eq!((plain.path, plain.query), ("/a/b.m3u8", "x=1"));
        assert_eq!((plain.coding, plain.head_only), (Coding::Brotli, false));
        assert_eq!(plain.length, text.len());
        let two = format!("{text}GET");
        assert!(matches!(read(two.as_bytes()), Head::Plain(plain) if plain.length == text.len()));
        let text = head(
            "HEAD /a/0.m4s HTTP/1.1",
            &["host: h", "Connection: Keep-Alive", "accept-encoding: br"],
        );
        let Head::Plain(plain) = read(text.as_bytes()) else { panic!("{text}") };
        assert_eq!((plain.coding, plain.head_only), (Coding::Identity, true));
        assert!(plain.whole && plain.fields.is_empty());
    }

    #[test]
    fn what_decides_and_what_is_reported_is_kept() {
        let line = "GET /a HTTP/1.1";
        for (field, whole) in [
            ("Range: bytes=0-1", false),
            ("IF-None-Match: x", false),
            ("if-range: x", false),
            ("CMCD-Object: ot=v", true),
        ] {
            let text = head(line, &["Host: h", field, "X: y", field]);
            let Head::Plain(plain) = read(text.as_bytes()) else { panic!("{text}") };
            assert_eq!(plain.whole, whole, "{field}");
            let (name, value) = field.split_once(": ").unwrap();
            assert_eq!(plain.fields.get_all(name).iter().collect::<Vec<_>>(), [value; 2]);
            assert_eq!(plain.fields.len(), 2, "{field}");
        }
    }

    #[test]
    fn all_else_is_left_to_hyper() {
        let line = "GET /a HTTP/1.1";
        let others = [
            head("GET /a HTTP/1.0", &["Host: h"]),
            head("OPTIONS /a HTTP/1.1", &["Host: h"]),
            head("OPTIONS * HTTP/1.1", &["Host: h"]),
            head("GET http://h/a HTTP/1.1", &["Host: h"]),
            head(line, &["X: y"]),
            head(line, &["Host: h", "Host: h"]),
            head(line, &["Host: h", "Connection: close"]),
            head(line, &["Host: h", "Accept-Encoding: br", "Accept-Encoding: gzip"]),
        ];
        for text in others {
            assert_eq!(read(text.as_bytes()), Head::Other(text.len()), "{text}");
        }
        let unreadable = [
            head(line, &["Host: h", "Content-Length: 0"]),
            head(line, &["Host: h", "Transfer-Encoding: chunked"]),
            head(line, &["Host: h", "Expect: 100-continue"]),
            head(line, &["Host: h", "Upgrade: x"]),
            head(line, &["Host : h"]),
            head(line, &[" folded"]),
            head("GET  /a HTTP/1.1", &["Host: h"]),
            head(line, &["X: y"; 40]),
            "nonsense\r\n\r\n".to_owned(),
        ];
        for text in unreadable {
            assert_eq!(read(text.as_bytes()), Head::Unreadable, "{text}");
        }
        for end in 0..30 {
            let text = head(line, &["Host: h", "Range: bytes=0-1"]);
            assert_eq!(read(&text.as_bytes()[..end]), Head::Partial, "{end}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            read(&bytes);
            let text = [b"GET /".as_slice(), &bytes, b" HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
            if let Head::Plain(plain) = read(&text) {
                prop_assert!(plain.length <= text.len());
            }
        }
    }
}
