//! The watch page: a few files that the binary carries. The full web application replaces it.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use tower::ServiceBuilder;
use tower_http::set_header::SetResponseHeaderLayer;

/// `/watch/{video}` and what the page loads. The page itself tells an unknown video from a
/// known one: it asks the API.
pub(crate) fn router(media_origin: &str) -> Router {
    let always =
        |name: HeaderName, value: HeaderValue| SetResponseHeaderLayer::overriding(name, value);
    let headers = ServiceBuilder::new()
        .layer(always(header::CONTENT_SECURITY_POLICY, content_security_policy(media_origin)))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        // The address of a private video carries its token.
        .layer(always(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")));
    Router::new()
        .route("/watch/{video}", page())
        .route("/watch/assets/watch.css", asset("text/css", embedded::CSS))
        .route("/watch/assets/watch.js", asset("text/javascript", embedded::JS))
        .route("/watch/assets/timeline.js", asset("text/javascript", embedded::TIMELINE))
        .route("/watch/assets/hls.min.js", asset("text/javascript", embedded::HLS))
        .route("/watch/assets/icon.svg", asset("image/svg+xml", embedded::ICON))
        .layer(headers)
}

mod embedded {
    pub(super) const HTML: &str = include_str!(concat!(env!("OUT_DIR"), "/index.html"));
    pub(super) const CSS: &str = include_str!(concat!(env!("OUT_DIR"), "/watch.css"));
    pub(super) const JS: &str = include_str!(concat!(env!("OUT_DIR"), "/watch.js"));
    pub(super) const TIMELINE: &str = include_str!(concat!(env!("OUT_DIR"), "/timeline.js"));
    pub(super) const HLS: &str = include_str!(concat!(env!("OUT_DIR"), "/hls.min.js"));
    pub(super) const ICON: &str = include_str!(concat!(env!("OUT_DIR"), "/icon.svg"));
}

fn page() -> MethodRouter {
    file("text/html; charset=utf-8", "no-cache", embedded::HTML)
}

/// Assets keep their names from version to version, so they are asked for again after a while.
fn asset(media_type: &'static str, text: &'static str) -> MethodRouter {
    file(media_type, "public, max-age=3600", text)
}

fn file(media_type: &'static str, caching: &'static str, text: &'static str) -> MethodRouter {
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, caching)];
    get(async move || (headers, text).into_response())
}

/// Only our own scripts, media from the origin, and (hls.js) workers and streams of blobs, and for
/// captions tracks of data.
fn content_security_policy(media_origin: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self' blob:; worker-src 'self' blob:; style-src 'self'; \
         img-src 'self' data: {media_origin}; connect-src 'self' {media_origin}; \
         media-src 'self' blob: data: {media_origin}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'self'"
    );
    HeaderValue::from_str(&policy).expect("a checked base address is a header value")
}
