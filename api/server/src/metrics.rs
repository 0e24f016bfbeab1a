//! What Prometheus reads.

use std::sync::{Arc, atomic::AtomicU64};

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use kinora_origin::Metrics;
use kinora_transcoding::{ClassLoad, Transcoding};
use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

/// As OpenMetrics 1.0 names itself.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whom this process can ask.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub(crate) origin: Option<Metrics>,
    pub(crate) transcoding: Option<Arc<Transcoding>>,
}

/// `GET /metrics`.
pub(crate) fn router(sources: Sources) -> Router {
    let tell = move || async move { ([(CONTENT_TYPE, OPEN_METRICS)], sources.render().await) };
    Router::new().route("/metrics", get(tell))
}

impl Sources {
    async fn render(&self) -> String {
        let mut text = String::new();
        if let Some(origin) = &self.origin {
            origin.encode(&mut text);
        }
        if let Some(transcoding) = &self.transcoding {
            match transcoding.workload().await {
                // Writing to a string does not fail.
                Ok(loads) => drop(encode_registry(&mut text, &workload(&loads))),
                // A gap in a graph says that nobody knows.
                Err(error) => tracing::warn!(%error, "the work that waits could not be counted"),
            }
        }
        let _ = encode_eof(&mut text);
        text
    }
}

/// Names and values.
type Labels = Vec<(&'static str, &'static str)>;

/// Jobs and queued work are in the database, the same for all replicas, so they are read of it when
/// they are asked for.
fn workload(loads: &[ClassLoad]) -> Registry {
    let jobs = Family::<Labels, Gauge>::default();
    let queued = Family::<Labels, Gauge<f64, AtomicU64>>::default();
    for load in loads {
        // Only what needs a device has the label: what every worker can do keeps its series.
        let kind = [Some(("class", load.class)), load.device.map(|device| ("device", device))];
        let kind: Labels = kind.into_iter().flatten().collect();
        let states =
            [("waiting", load.waiting), ("dispatched", load.dispatched), ("running", load.running)];
        for (state, count) in states {
            let labels = [kind.as_slice(), &[("state", state)]].concat();
            let gauge = jobs.get_or_create(&labels);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        queued.get_or_create(&kind).set(load.queued_seconds);
    }
    let mut registry = Registry::with_prefix("kinora");
    registry.register("jobs", "Jobs that are not over, of all accounts", jobs);
    let help = "What one worker slot would take for the jobs that no worker has yet";
    registry.register_with_unit("queued_work", help, Unit::Seconds, queued);
    registry
}
