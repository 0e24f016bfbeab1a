//! Browsers on other sites may use the API: it reads no cookies, so only what a page brings
//! along (an API key, a playback token) opens anything.
//!
//! Not tower-http's layer: that one answers every OPTIONS request, and by OPTIONS tus clients
//! discover what the server can do (tus 1.0, "OPTIONS").

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
const SENDABLE: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, last-event-id, tus-resumable, upload-length, upload-offset, \
     upload-metadata, upload-checksum, x-http-method-override, x-request-id",
);
const READABLE: HeaderValue = HeaderValue::from_static(
    "location, retry-after, www-authenticate, tus-resumable, tus-version, tus-extension, \
     tus-max-size, upload-length, upload-offset, upload-metadata, upload-expires, kinora-video, \
     x-request-id",
);
const AN_HOUR: HeaderValue = HeaderValue::from_static("3600");
const ANYONE: HeaderValue = HeaderValue::from_static("*");

/// Answers preflights, and shows pages the headers that upload clients read (Fetch, "HTTP-network
/// fetch", CORS protocol).
pub(crate) async fn share(request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if preflight {
        return (StatusCode::NO_CONTENT, preflight_headers()).into_response();
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE);
    response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
    response
}

fn preflight_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE),
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, SENDABLE),
        (header::ACCESS_CONTROL_MAX_AGE, AN_HOUR),
    ])
}
