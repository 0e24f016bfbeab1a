//! What Prometheus reads.

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use kinora_origin::Metrics;

/// As OpenMetrics 1.0 names itself.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`.
pub(crate) fn router(origin: Metrics) -> Router {
    let tell = move || async move { ([(CONTENT_TYPE, OPEN_METRICS)], origin.render()) };
    Router::new().route("/metrics", get(tell))
}
