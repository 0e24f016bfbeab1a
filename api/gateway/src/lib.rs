//! The public API's front: composes the services' routers into one document and one server, asks
//! those that are other processes, and serves the watch page.

mod cors;
mod remote;
mod service_clock;
mod watch;

use axum::{Router, middleware, routing::get};
use kinora_http::{boundary, openapi};
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use remote::{Passage, Remote};

/// What a gateway stands before.
#[derive(Default)]
pub struct Services {
    /// Those of this process.
    pub here: Vec<OpenApiRouter>,
    /// Those of others, and the way to them.
    pub elsewhere: Option<(Vec<Remote>, Passage)>,
    /// What they say to each other: an AsyncAPI document.
    pub events: Value,
}

/// The services behind one address: their routes, `/healthz`, the merged OpenAPI document, that of
/// their events and the watch page. `media_origin` is the base address of media, which the page may fetch from.
pub fn router(services: Services, media_origin: &str) -> Router {
    let (mut api, mut document) = merge(services.here).split_for_parts();
    if let Some((remotes, passage)) = services.elsewhere {
        for remote in remotes {
            api = api.merge(remote::router(&remote, &passage));
            document.merge(remote.document);
        }
    }
    let (document, events) = (axum::Json(document), axum::Json(services.events));
    let routes = api
        .route("/api/v1/openapi.json", get(async move || document))
        .route("/api/v1/asyncapi.json", get(async move || events))
        .route("/healthz", get(health))
        .merge(watch::router(media_origin));
    // Outermost: pages of other sites must be able to read problems, too.
    boundary::around(routes).layer(middleware::from_fn(cors::share))
}

/// The OpenAPI document of the merged services.
pub fn document(services: Vec<OpenApiRouter>) -> OpenApi {
    merge(services).into_openapi()
}

fn merge(services: Vec<OpenApiRouter>) -> OpenApiRouter {
    let frame = OpenApiRouter::with_openapi(openapi::frame("Kinora", "1"));
    services.into_iter().fold(frame, OpenApiRouter::merge)
}

/// A service that a gateway of another process asks: its routes, behind `guarded`, and `/healthz`.
pub fn behind(guarded: Router) -> Router {
    boundary::around(guarded.route("/healthz", get(health)))
}

/// The process answers.
async fn health() -> axum::Json<Value> {
    axum::Json(json!({ "status": "ok" }))
}

#[cfg(test)]
mod tests;
