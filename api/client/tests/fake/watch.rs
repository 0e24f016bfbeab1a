//! Progress, jobs and reasons, from a script.

use std::collections::HashMap;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Fake, not_found};

/// A clip of 20 s at 30 fps, encoded at 120 fps.
pub(crate) fn script() -> Vec<Value> {
    let queued = event("queued", 0.0, false, false);
    let mut script = vec![queued, event("probing", 0.0, false, false)];
    script.push(event("encoding", 10.0, false, false));
    script.push(event("encoding", 30.0, true, false));
    script.push(event("encoding", 60.0, true, true));
    script.push(event("ready", 100.0, true, true));
    script
}

pub(crate) fn event(state: &str, percent: f64, playable: bool, plays_through: bool) -> Value {
    let busy = state == "encoding";
    json!({
        "video": null, "version": 1, "state": state, "playable": playable,
        "plays_through": plays_through, "percent": percent,
        "encoded_us": (percent * 200_000.0) as i64, "published_us": (percent * 200_000.0) as i64,
        "total_us": 20_000_000, "frames_done": (percent * 6.0) as i64, "frames_total": 600,
        "fps": busy.then_some(120.0), "speed": busy.then_some(4.0),
        "eta_s": busy.then_some((100.0 - percent) / 20.0), "reason": null, "warnings": [],
        "jobs": { "waiting": 3, "running": u64::from(busy), "done": 2, "failed": 0, "total": 6 },
    })
}

pub(crate) fn failed(code: &str, message: &str) -> Value {
    let mut event = event("failed", 10.0, false, false);
    event["reason"] = json!({ "code": code, "message": message });
    event
}

pub(crate) async fn progress(State(fake): State<Fake>, Path(id): Path<Uuid>) -> Response {
    if fake.world().is_unknown() {
        return not_found();
    }
    let event = fake.world().apply(id, 0);
    event.map_or_else(not_found, |event| axum::Json(event).into_response())
}

pub(crate) async fn events(State(fake): State<Fake>, Path(id): Path<Uuid>) -> Response {
    if fake.world().is_unknown() || !fake.world().videos.contains_key(&id) {
        return not_found();
    }
    let break_after = fake.world().break_after.take();
    // What the encode before came to is told once, and is the end of that stream.
    if let Some(event) = fake.world().take_stale(id) {
        let event = format!("event: progress\ndata: {event}\n\n");
        return ([(header::CONTENT_TYPE, "text/event-stream")], event).into_response();
    }
    let count = fake.world().script.len();
    let stream = futures::stream::iter(0..count).then(move |index| {
        let fake = fake.clone();
        async move {
            let pace = fake.world().pace;
            tokio::time::sleep(pace).await;
            if break_after.is_some_and(|most| index >= most) {
                return Err(std::io::Error::other("broken"));
            }
            let Some(event) = fake.world().apply(id, index) else {
                return Err(std::io::Error::other("deleted"));
            };
            Ok(Bytes::from(format!(": still here\n\nevent: progress\ndata: {event}\n\n")))
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream)).into_response()
}

pub(crate) async fn jobs(
    State(fake): State<Fake>,
    Query(query): Query<HashMap<String, String>>,
) -> axum::Json<Value> {
    let video = fake.world().videos.keys().next().copied().unwrap_or_default();
    let mut items = vec![job_document(video, 1), job_document(video, 2)];
    items.retain(|job| query.get("state").is_none_or(|state| job["state"] == state.as_str()));
    axum::Json(json!({ "items": items, "next_cursor": null }))
}

pub(crate) async fn job(State(fake): State<Fake>, Path(id): Path<Uuid>) -> Response {
    let video = fake.world().videos.keys().next().copied().unwrap_or_default();
    let known = [1, 2].map(|number| job_document(video, number));
    known
        .into_iter()
        .find(|job| job["id"] == id.to_string())
        .map_or_else(not_found, |job| axum::Json(job).into_response())
}

pub(crate) async fn purge(Query(query): Query<HashMap<String, String>>) -> axum::Json<Value> {
    let all = u64::from(query.get("older_than_s").is_some_and(|seconds| seconds == "0"));
    axum::Json(json!({ "jobs": all, "letters": all * 3 }))
}

pub(crate) async fn why(State(fake): State<Fake>, Path(id): Path<Uuid>) -> Response {
    if !fake.world().videos.contains_key(&id) {
        return not_found();
    }
    axum::Json(json!({
        "subject": "video", "id": id, "state": "queued",
        "because": ["No worker is running.", "Three chunks wait for one."],
    }))
    .into_response()
}

fn job_document(video: Uuid, number: u128) -> Value {
    let failed = number == 2;
    json!({
        "id": Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) + number), "video": video,
        "class": "encode_chunk", "track": null, "chunk": number,
        "state": if failed { "failed" } else { "running" }, "attempt": number, "max_attempts": 3,
        "not_before_at": null, "lease_until_at": "2026-01-02T03:05:00Z", "worker": "worker-1",
        "progress": { "done": 30, "total": 120 },
        "error": failed.then(|| json!({
            "kind": "fail", "code": "decoder_crashed", "message": "The decoder crashed.",
        })),
        "created_at": "2026-01-02T03:04:05Z", "started_at": "2026-01-02T03:04:06Z",
        "finished_at": failed.then_some("2026-01-02T03:04:09Z"),
    })
}

impl super::World {
    fn is_unknown(&mut self) -> bool {
        let unknown = self.unknown_progress > 0;
        self.unknown_progress = self.unknown_progress.saturating_sub(1);
        unknown
    }

    /// The event of an encode before the one that the catalogue speaks of, if the script begins with one.
    fn take_stale(&mut self, id: Uuid) -> Option<Value> {
        let first = self.script.first().filter(|first| first["stale"] == true)?;
        let mut event = first.clone();
        self.script.remove(0);
        event["video"] = json!(id);
        Some(event)
    }

    /// Lets the encode of a video reach a step of the script.
    fn apply(&mut self, id: Uuid, index: usize) -> Option<Value> {
        let mut event = self.script[index].clone();
        event["video"] = json!(id);
        let video = self.videos.get_mut(&id)?;
        let state = match event["state"].as_str()? {
            "encoding" if event["plays_through"] == true => "plays_through",
            "encoding" if event["playable"] == true => "playable",
            "probing" => "queued",
            state => state,
        };
        video["state"] = json!(state);
        video["reason"] = event["reason"].clone();
        if event["playable"] == true {
            video["duration_us"] = json!(20_000_000);
            video["playback"] = json!({
                "version": 1,
                "hls_url": format!("http://127.0.0.1/media/{id}/1/hls.m3u8"),
                "dash_url": format!("http://127.0.0.1/media/{id}/1/dash.mpd"),
                "watch_url": format!("http://127.0.0.1/watch/{id}"),
                "token_expires_at": null,
            });
        }
        Some(event)
    }
}
