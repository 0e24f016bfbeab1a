//! Problem details for HTTP APIs (RFC 9457).

use std::{borrow::Cow, fmt};

use axum::{
    extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem (RFC 9457 3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An answer that says what went wrong.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

/// A problem as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// `urn:kinora:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:kinora:problem:not_found")]
    kind: String,
    /// The status in words.
    #[schema(example = "Not Found")]
    title: &'a str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What happened this time, for a person.
    detail: &'a str,
    /// A stable word that programs may branch on.
    #[schema(example = "not_found")]
    code: &'a str,
    /// Names this answer in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    /// A problem with a code of the caller's.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code, detail: detail.into(), headers: Vec::new(), cause: None }
    }

    /// 400 `invalid_request`: the request does not have the form it should.
    pub fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    /// 401 `unauthenticated`: no valid API key came along (RFC 6750 3).
    pub fn unauthenticated() -> Self {
        let detail = "Send a valid API key: 'Authorization: Bearer kin_…'";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"kinora\"")
    }

    /// 403 with a code of the caller's.
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404 `not_found`: there is no such `what`, or it is somebody else's; both read the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}"))
    }

    /// 409 with a code of the caller's.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422 with a code of the caller's.
    pub fn unprocessable(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 500 `internal`. The cause is logged at the boundary and not sent.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let detail = "Something went wrong on our side";
        let mut problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail);
        problem.cause = Some(cause.to_string());
        problem
    }

    /// 503 `unavailable`, to be tried again in a few seconds. The cause is logged, not sent.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        let detail = "Something this needs does not answer; try again";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .with_header(header::RETRY_AFTER, "2");
        problem.cause = Some(cause.to_string());
        problem
    }

    /// 507 `storage_full`: nothing was lost, and trying again helps once somebody made room.
    pub fn storage_full() -> Self {
        let detail = "The server has no room left; what it acknowledged is safe";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "storage_full", detail)
    }

    /// The same with a header on its answer. A value that is no header value is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable word.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What happened, for a person.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is behind it, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// What is sent.
    pub fn body<'a>(&'a self, request_id: Option<&'a str>) -> ProblemBody<'a> {
        ProblemBody {
            kind: format!("urn:kinora:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
        }
    }

    /// The answer, naming the request.
    pub(crate) fn render(self, request_id: Option<&str>) -> Response {
        let body = serde_json::to_vec(&self.body(request_id)).expect("texts and numbers serialise");
        let mut response =
            (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        // The boundary finds it there to log it and to name the request.
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.render(None)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::JsonDataError(error) => {
                Self::unprocessable("invalid_value", error.body_text())
            }
            JsonRejection::MissingJsonContentType(_) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send 'Content-Type: application/json'",
            ),
            JsonRejection::BytesRejection(error) => error.into(),
            other => Self::invalid_request(other.body_text()),
        }
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let detail = "The body is larger than this accepts";
            return Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail);
        }
        Self::invalid_request("The body broke off")
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid_request(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        // A path that no id could have is a path where nothing lies.
        Self::not_found("resource")
    }
}
