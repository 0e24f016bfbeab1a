//! The public API's front: composes the services' routers into one document and one server, and
//! serves the watch page.

mod cors;
mod watch;

use axum::{Router, middleware, routing::get};
use kinora_http::{boundary, openapi};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

/// The services behind one address: their routes, `/healthz`, the merged OpenAPI document and
/// the watch page. `media_origin` is the base address of media, which the page may fetch from.
pub fn router(services: Vec<OpenApiRouter>, media_origin: &str) -> Router {
    let (api, document) = merge(services).split_for_parts();
    let document = axum::Json(document);
    let routes = api
        .route("/api/v1/openapi.json", get(async move || document))
        .route("/healthz", get(health))
        .merge(watch::router(media_origin));
    // Outermost: pages of other sites must be able to read problems, too.
    boundary::around(routes).layer(middleware::from_fn(cors::share))
}

/// The OpenAPI document of the merged services.
pub fn document(services: Vec<OpenApiRouter>) -> utoipa::openapi::OpenApi {
    merge(services).into_openapi()
}

fn merge(services: Vec<OpenApiRouter>) -> OpenApiRouter {
    let frame = OpenApiRouter::with_openapi(openapi::frame("Kinora", "1"));
    services.into_iter().fold(frame, OpenApiRouter::merge)
}

/// The process answers.
async fn health() -> axum::Json<Value> {
    axum::Json(json!({ "status": "ok" }))
}

#[cfg(test)]
mod tests;
