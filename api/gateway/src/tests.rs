use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode},
};
use tower::ServiceExt;

use super::*;

async fn call(request: Request<Body>) -> Response<Body> {
    router(Services::default(), "http://media.test").oneshot(request).await.unwrap()
}

async fn get_path(path: &str) -> Response<Body> {
    call(Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_watch_page_may_load_only_its_own_scripts_and_media() {
    let page = get_path("/watch/01890a5d-ac96-774b-bcce-b302099a8057").await;
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("connect-src 'self' http://media.test"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    let html = to_bytes(page.into_body(), 1 << 20).await.unwrap();
    let html = String::from_utf8(html.to_vec()).unwrap();
    let loaded = html.split('"').filter(|text| text.starts_with("/watch/assets/"));
    for path in loaded {
        assert_eq!(get_path(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn health_and_the_document_are_open_to_all() {
    assert_eq!(get_path("/healthz").await.status(), StatusCode::OK);
    let document = get_path("/api/v1/openapi.json").await;
    let document = to_bytes(document.into_body(), 1 << 20).await.unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["info"]["title"], "Kinora");
}

#[tokio::test]
async fn pages_of_other_sites_may_upload() {
    let preflight = Request::options("/healthz")
        .header("origin", "http://elsewhere.test")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "tus-resumable,upload-offset,authorization")
        .body(Body::empty())
        .unwrap();
    let answer = call(preflight).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("upload-offset"), "{allowed}");
}

#[tokio::test]
async fn an_unknown_address_is_a_problem() {
    let answer = get_path("/nowhere").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn upload_clients_may_still_ask_by_options() {
    let asked = Request::options("/healthz").body(Body::empty()).unwrap();
    let answer = call(asked).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
}
