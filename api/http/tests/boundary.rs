//! What comes out of a router with the boundary around it.

#![allow(clippy::unwrap_used)]

use axum::{Router, body::Body, extract::FromRef, routing::get};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use kinora_http::{
    ApiKey, ApiKeySecret, Authenticator, Json, PageQuery, Path, Principal, Problem, Query, boundary,
};
use kinora_media::{AccountId, VideoId};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;

#[derive(Clone, FromRef)]
struct State {
    authenticator: Authenticator,
}

#[derive(Deserialize, Serialize)]
struct Thing {
    size: u32,
}

fn app() -> (Router, ApiKeySecret) {
    let (secret, key) = ApiKey::generate("test", AccountId::new("ada").unwrap()).unwrap();
    let router = Router::new()
        .route("/me", get(|me: Principal| async move { me.account.to_string() }))
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("boom")
                }
            }),
        )
        .route("/broken", get(|| async { Problem::internal("disk on fire") }))
        .route(
            "/list",
            get(|Query(page): Query<PageQuery>| async move { page.parse().map(|_| ()) }),
        )
        .route("/videos/{id}", get(|Path(id): Path<VideoId>| async move { id.to_string() }))
        .route("/things", axum::routing::post(|thing: Json<Thing>| async move { thing }))
        .with_state(State { authenticator: Authenticator::new(vec![key]) });
    (boundary::around(router), secret)
}

async fn send(request: http::request::Builder, body: impl Into<Body>) -> Response<String> {
    let (app, _) = app();
    text(app.oneshot(request.body(body.into()).unwrap()).await.unwrap()).await
}

async fn text(response: Response<Body>) -> Response<String> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn every_failure_is_a_problem_that_names_its_request() {
    let json = "application/json";
    let cases = [
        ("GET", "/nowhere", json, "", 404, "not_found"),
        ("PUT", "/me", json, "", 405, "method_not_allowed"),
        ("GET", "/me", json, "", 401, "unauthenticated"),
        ("GET", "/panic", json, "", 500, "internal"),
        ("GET", "/broken", json, "", 500, "internal"),
        ("GET", "/videos/..%2f", json, "", 404, "not_found"),
        ("GET", "/videos/01890a5d-ac96", json, "", 404, "not_found"),
        ("GET", "/list?limit=x", json, "", 400, "invalid_request"),
        ("GET", "/list?limit=101", json, "", 400, "invalid_request"),
        ("GET", "/list?cursor=x", json, "", 400, "invalid_request"),
        ("POST", "/things", json, "{", 400, "invalid_request"),
        ("POST", "/things", json, r#"{"size":"x"}"#, 422, "invalid_value"),
        ("POST", "/things", "text/plain", "{}", 415, "unsupported_media_type"),
        ("POST", "/things", json, &" ".repeat(1 << 21), 413, "body_too_large"),
    ];
    for (method, uri, content_type, body, status, code) in cases {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", content_type)
            .header("x-request-id", "r-1");
        let response = send(request, body.to_owned()).await;
        let what = format!("{method} {uri}: {response:?}");
        assert_eq!(response.status().as_u16(), status, "{what}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{what}");
        assert_eq!(response.headers()["x-request-id"], "r-1", "{what}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{what}");
        let problem: serde_json::Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!(problem["code"], code, "{what}");
        assert_eq!(problem["type"], format!("urn:kinora:problem:{code}"), "{what}");
        assert_eq!(problem["status"], status, "{what}");
        assert_eq!(problem["request_id"], "r-1", "{what}");
        for secret in ["boom", "fire"] {
            assert!(!response.body().contains(secret), "{what}");
        }
    }
}

#[tokio::test]
async fn a_405_says_what_is_allowed_and_a_401_how_to_authenticate() {
    let response = send(Request::builder().method("PUT").uri("/me"), "").await;
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    let request = Request::builder().uri("/me").header("x-request-id", "r-1");
    let response = send(request, "").await;
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"kinora\"");
    let problem: serde_json::Value = serde_json::from_str(response.body()).unwrap();
    insta::assert_json_snapshot!(problem);
}

#[tokio::test]
async fn request_ids_are_made_where_none_or_no_good_one_came() {
    for bad in ["", "a b", &"x".repeat(65)] {
        let response =
            send(Request::builder().uri("/nowhere").header("x-request-id", bad), "").await;
        let id = response.headers()["x-request-id"].to_str().unwrap();
        assert_eq!(id.len(), 36, "{id}");
    }
}

#[tokio::test]
async fn a_bearer_key_authenticates() {
    let (app, secret) = app();
    let (_, wrong) = self::app();
    let cases = [
        (format!("Bearer {}", secret.expose()), StatusCode::OK),
        (format!("bearer {}", secret.expose()), StatusCode::OK),
        (format!("Bearer {}", wrong.expose()), StatusCode::UNAUTHORIZED),
        (secret.expose().to_owned(), StatusCode::UNAUTHORIZED),
        (format!("Basic {}", secret.expose()), StatusCode::UNAUTHORIZED),
    ];
    for (value, status) in cases {
        let request =
            Request::builder().uri("/me").header("authorization", &value).body(Body::empty());
        let response = app.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{value}");
    }
}
