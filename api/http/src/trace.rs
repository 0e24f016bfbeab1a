//! The trace that a request belongs to.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use http::{HeaderMap, HeaderValue, request::Parts};
use kinora_media::TraceContext;
use uuid::Uuid;

/// What a request is part of: the trace its `traceparent` names, or one of its own. Nothing where no
/// [`crate::boundary`] is around.
#[derive(Debug, Clone, Copy)]
pub struct Trace(pub Option<TraceContext>);

impl<S: Send + Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().copied()))
    }
}

/// Makes the request a part of its trace: for [`Trace`], and in its field for whoever it is handed on to.
pub(crate) fn begin(request: &mut Request) {
    let trace = of(request.headers());
    let field = HeaderValue::from_str(&trace.to_string()).expect("digits and dashes");
    request.headers_mut().insert(TraceContext::NAME, field);
    request.extensions_mut().insert(trace);
}

/// The trace goes on that came along, or begins. One that is not well formed, or that comes twice, is
/// none (W3C Trace Context level 1, 3.2).
fn of(headers: &HeaderMap) -> TraceContext {
    let id = Uuid::new_v4();
    let mut given = headers.get_all(TraceContext::NAME).iter();
    let context = match (given.next(), given.next()) {
        (Some(only), None) => only.to_str().ok().and_then(|text| text.parse().ok()),
        _ => None,
    };
    context.map_or_else(|| TraceContext::begin(id), |context: TraceContext| context.within(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (TraceContext::NAME.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_trace_goes_on_or_begins() {
        let on = of(&headers(&[GIVEN]));
        assert_eq!(on.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(on.to_string().ends_with("-01"));
        assert_ne!(on.to_string(), GIVEN, "the request is a span of its own");
        for none in [&[][..], &["00-x"], &[GIVEN, GIVEN]] {
            let begun = of(&headers(none));
            assert_ne!(begun.trace_id(), on.trace_id());
            assert_ne!(begun.trace_id(), of(&headers(none)).trace_id());
        }
    }
}
