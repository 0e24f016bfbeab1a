//! The catalogue on HTTP: statuses, headers and documents, and nothing else.

mod captions;
mod playback;
mod problem;
mod profiles;
mod sweep;
mod tus;
mod uploads;
mod verify;
mod videos;

use axum::{extract::DefaultBodyLimit, middleware};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::catalogue::HttpState;

/// The routes, under `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<HttpState> {
    let captions = DefaultBodyLimit::max(kinora_packager::text::MAX_BYTES);
    let uploads = OpenApiRouter::new()
        .routes(routes!(uploads::discover, uploads::create))
        .routes(routes!(uploads::stand, uploads::append, uploads::terminate, uploads::overridden))
        .route_layer(middleware::from_fn(tus::speak_tus));
    OpenApiRouter::new()
        .routes(routes!(videos::list, videos::create))
        .routes(routes!(videos::get, videos::delete))
        .routes(routes!(videos::retry))
        .routes(routes!(captions::put).layer(captions))
        .routes(routes!(playback::get))
        .routes(routes!(profiles::list))
        .routes(routes!(verify::verify_catalogue))
        .routes(routes!(sweep::sweep_catalogue))
        .merge(uploads)
}
