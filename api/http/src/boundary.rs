//! Where answers leave the process: request ids, spans, panics, the log of failures.

use std::panic::AssertUnwindSafe;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{HeaderName, HeaderValue, StatusCode, header};
use kinora_media::TraceContext;
use tower_http::{request_id::RequestId, set_header::SetResponseHeaderLayer, trace::TraceLayer};
use uuid::Uuid;

use crate::{Problem, trace};

/// Bodies that are read whole are at most this long, where a handler does not say otherwise.
const BODY_BYTES: usize = 1 << 20;
/// What we send is what we say it is.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the boundary around a router that has all its routes: nothing that comes out of it is
/// without a request id, and every failure is a [`Problem`] and in the log once.
pub fn around(router: Router) -> Router {
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_this_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn(answer))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_failure(()))
        .layer(middleware::from_fn(identify))
}

/// Takes the request id of a proxy in front, or makes one, and gives it back on the answer; and the
/// trace.
async fn identify(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|value| is_id(value.as_bytes())).cloned();
    let id = given.unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is a header value")
    });
    request.extensions_mut().insert(RequestId::new(id.clone()));
    trace::begin(&mut request);
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn is_id(text: &[u8]) -> bool {
    let character = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.iter().all(character)
}

fn span(request: &Request) -> tracing::Span {
    // The path without the query: queries carry playback tokens.
    tracing::info_span!(
        "http",
        http.method = %request.method(),
        http.path = request.uri().path(),
        request.id = request_id(request).as_deref(),
        trace_id = request.extensions().get::<TraceContext>().map(TraceContext::trace_id),
        account.id = tracing::field::Empty,
    )
}

fn request_id(request: &Request) -> Option<String> {
    let id = request.extensions().get::<RequestId>()?;
    id.header_value().to_str().ok().map(str::to_owned)
}

/// Turns panics into problems, names the request in problems, and logs those that are ours.
async fn answer(request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let run = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match run.await {
        Ok(response) => response,
        Err(panic) => Problem::internal(panic_message(&*panic)).into_response(),
    };
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    if problem.status().is_server_error() && problem.status() != StatusCode::INSUFFICIENT_STORAGE {
        tracing::error!(
            http.status = problem.status().as_u16(),
            problem.code = problem.code(),
            cause = problem.cause(),
            "a request failed"
        );
    } else {
        tracing::debug!(%problem, "a request was refused");
    }
    let mut named = problem.render(id.as_deref());
    for (name, value) in response.headers() {
        if !named.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            named.headers_mut().append(name.clone(), value.clone());
        }
    }
    named
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("of unknown kind"))
}

async fn nothing_here() -> Problem {
    Problem::not_found("resource")
}

async fn not_this_method() -> Problem {
    let detail = "This resource does not know that method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
