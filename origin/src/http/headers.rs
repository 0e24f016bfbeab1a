//! Caching and cross-origin headers.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::{Body, empty};
use crate::cache::Got;

/// What operators and players measure an answer by.
pub(crate) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// How long an answer may be kept, and by whom (RFC 9111).
///
/// Answers for private videos say `private`: their address holds the token, so a shared cache
/// that does not verify tokens would go on serving a leaked address long after it expired. A CDN
/// that verifies and strips the token, as the shipped configuration does, overrides this knowingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheControl {
    Public { max_age_s: u32, immutable: bool },
    Private { max_age_s: u32, immutable: bool },
    NoStore,
}

impl CacheControl {
    pub(crate) fn value(self) -> HeaderValue {
        let (who, max_age_s, immutable) = match self {
            // That anyone may keep it goes without saying.
            Self::Public { max_age_s, immutable } => ("", max_age_s, immutable),
            Self::Private { max_age_s, immutable } => ("private, ", max_age_s, immutable),
            Self::NoStore => return HeaderValue::from_static("no-store"),
        };
        let immutable = if immutable { ", immutable" } else { "" };
        let value = format!("{who}max-age={max_age_s}{immutable}");
        HeaderValue::from_str(&value).expect("words and digits are a valid value")
    }
}

/// What every answer carries: players run on pages of other origins, and measure their network
/// by resource timing, of which `took`, from head to head, is no part; `got` is for operators.
pub(crate) fn finish(headers: &mut HeaderMap, got: Option<Got>, took: Duration) {
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Content-Length, Content-Range, ETag, Date"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (HeaderName::from_static("timing-allow-origin"), "*"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(SERVER_TIMING, timing(got, took));
}

/// How an answer was come by, and how long it took, in milliseconds (Server Timing 3.2).
pub(crate) fn timing(got: Option<Got>, took: Duration) -> HeaderValue {
    let got = match got {
        Some(Got::Hit) => "hit",
        Some(Got::Miss) => "miss",
        Some(Got::Joined) => "joined",
        None => "none",
    };
    let us = took.as_micros();
    let timing = format!("origin;desc={got};dur={}.{:03}", us / 1000, us % 1000);
    HeaderValue::try_from(timing).expect("words and digits are a valid value")
}

/// The answer to OPTIONS on any path: a CORS preflight (Fetch 4.8) must not fail for a reason the
/// request itself would say better.
pub(crate) fn preflight() -> Response<Body> {
    const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
    // Besides ranges and conditions, what players send with CMCD in headers (CTA-5004 2).
    const HEADERS: HeaderValue = HeaderValue::from_static(
        "Range, If-Range, If-None-Match, If-Modified-Since, \
         CMCD-Request, CMCD-Object, CMCD-Status, CMCD-Session",
    );
    preflight_of(METHODS, HEADERS)
}

/// The same where licences are asked for.
pub(crate) fn license_preflight() -> Response<Body> {
    let methods = HeaderValue::from_static("POST, OPTIONS");
    preflight_of(methods, HeaderValue::from_static("Content-Type"))
}

fn preflight_of(methods: HeaderValue, fields: HeaderValue) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, methods.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, fields);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}
