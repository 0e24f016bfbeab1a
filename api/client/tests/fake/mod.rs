//! A small server that speaks the public API over loopback, keeps everything in memory, and
//! misbehaves on demand. For tests of the protocol; what a real server does is tested end to end.
#![allow(dead_code, unused_imports, reason = "each test binary uses another part")]

mod tus;
pub(crate) mod watch;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) use tus::Upload;
pub(crate) use watch::{event, failed};

pub(crate) const KEY: &str = "kin_test";

/// What goes wrong with the next PATCH.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Answers with this status, and `Retry-After` where one is given.
    Status(u16, Option<&'static str>),
    /// Takes so many bytes, then cuts the connection.
    CutAfter(usize),
    /// Takes everything, then cuts the connection instead of answering.
    CutAnswer,
    /// Forgets so many bytes that were safe, before it looks at the offset.
    Forget(usize),
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) videos: HashMap<Uuid, Value>,
    pub(crate) uploads: HashMap<Uuid, Upload>,
    /// One a PATCH, in order.
    pub(crate) faults: VecDeque<Fault>,
    /// Every request but follow-ups of a stream, as `METHOD /path`.
    pub(crate) requests: Vec<String>,
    /// An upload that has so many bytes takes no more until [`Fake::release`].
    pub(crate) hold_at: Option<usize>,
    /// How often held uploads were cut.
    severed: usize,
    /// What the encode of every video does, one event each.
    pub(crate) script: Vec<Value>,
    /// How often progress is not known yet.
    pub(crate) unknown_progress: usize,
    /// The progress stream breaks after so many events, once.
    pub(crate) break_after: Option<usize>,
    /// Between two events.
    pub(crate) pace: std::time::Duration,
    pub(crate) largest: Option<u64>,
    /// How many uploads are to be asked for again.
    pub(crate) not_yet: usize,
    /// What a look at everything finds, page by page.
    pub(crate) verified: Vec<Value>,
    /// What a look at the catalogue finds.
    pub(crate) catalogue_findings: Vec<Value>,
    /// What nobody needs.
    pub(crate) strays: Vec<Value>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    world: Arc<Mutex<World>>,
    released: Arc<Notify>,
}

impl Fake {
    /// Serves until the runtime ends.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut world = World { script: watch::script(), ..World::default() };
        world.pace = std::time::Duration::from_millis(5);
        let world = Arc::new(Mutex::new(world));
        let fake = Self { address, world, released: Arc::new(Notify::new()) };
        let router = fake.router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        fake
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Lets held uploads go on.
    pub(crate) fn release(&self) {
        self.world().hold_at = None;
        self.released.notify_waiters();
    }

    /// Lets new uploads through; those held lose what the kernel still has of them, which would
    /// else arrive after their sender's death.
    pub(crate) fn sever(&self) {
        self.world().severed += 1;
        self.release();
    }

    /// How many requests began with this.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.world().requests.iter().filter(|request| request.starts_with(prefix)).count()
    }

    /// The bytes of the only upload.
    pub(crate) fn stored(&self) -> Vec<u8> {
        let world = self.world();
        assert_eq!(world.uploads.len(), 1, "one upload");
        world.uploads.values().next().unwrap().bytes.clone()
    }

    /// Changes a video's document.
    pub(crate) fn update(&self, video: Uuid, change: impl FnOnce(&mut Value)) {
        change(self.world().videos.get_mut(&video).unwrap());
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/api/v1/videos", post(create).get(list))
            .route("/api/v1/videos/{id}", get(show).delete(delete))
            .route("/api/v1/videos/{id}/retry", post(retry))
            .route("/api/v1/videos/{id}/cancel", post(cancel))
            .route("/api/v1/videos/{id}/captions/{language}", put(captions))
            .route("/api/v1/videos/{id}/progress", get(watch::progress))
            .route("/api/v1/videos/{id}/progress/events", get(watch::events))
            .route("/api/v1/profiles", get(profiles))
            .route("/api/v1/admin/verify", get(verify))
            .route("/api/v1/admin/verify/catalogue", get(verify_catalogue))
            .route("/api/v1/admin/sweep", post(sweep))
            .route("/api/v1/admin/sweep/catalogue", post(sweep))
            .route("/api/v1/jobs", get(watch::jobs))
            .route("/api/v1/jobs/purge", post(watch::purge))
            .route("/api/v1/jobs/{id}", get(watch::job))
            .route("/api/v1/why/{id}", get(watch::why))
            .route("/api/v1/uploads", post(tus::create))
            .route("/api/v1/uploads/{id}", axum::routing::any(tus::resource))
            .layer(middleware::from_fn_with_state(self.clone(), guard))
            .with_state(self.clone())
    }
}

pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Response {
    let body = json!({
        "type": format!("urn:kinora:problem:{code}"), "title": code.replace('_', " "),
        "status": status, "detail": detail, "code": code, "request_id": "req-1",
    });
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::from_u16(status).unwrap(), content_type, body.to_string()).into_response()
}

pub(crate) fn not_found() -> Response {
    problem(404, "not_found", "There is no such thing.")
}

async fn guard(State(fake): State<Fake>, request: Request, next: Next) -> Response {
    let line = format!("{} {}", request.method(), request.uri());
    fake.world().requests.push(line);
    let key = request.headers().get(header::AUTHORIZATION);
    if key.is_none_or(|key| key.as_bytes() != format!("Bearer {KEY}").as_bytes()) {
        return problem(401, "unauthenticated", "This key is not known.");
    }
    next.run(request).await
}

async fn create(State(fake): State<Fake>, body: Bytes) -> Response {
    let new: Value = serde_json::from_slice(&body).unwrap();
    let video = fake.world().create_video(&new);
    (StatusCode::CREATED, axum::Json(video)).into_response()
}

async fn profiles() -> axum::Json<Value> {
    let profile = |name: &str, default: bool| {
        json!({
            "name": name, "description": format!("How {name} is done"), "built_in": default,
            "default": default, "toml": "passthrough = true\n",
        })
    };
    axum::Json(json!({ "items": [profile("default", true), profile("tv", false)] }))
}

async fn verify(State(fake): State<Fake>, uri: axum::http::Uri) -> axum::Json<Value> {
    let page = usize::from(uri.query().is_some_and(|query| query.contains("after=")));
    let nothing = json!({ "videos": 0, "objects": 0, "bytes": 0, "findings": [], "next": null });
    axum::Json(fake.world().verified.get(page).cloned().unwrap_or(nothing))
}

/// Finds nothing, unless it is told what.
async fn verify_catalogue(State(fake): State<Fake>) -> axum::Json<Value> {
    let findings = fake.world().catalogue_findings.clone();
    axum::Json(json!({ "videos": 2, "objects": 0, "bytes": 0, "findings": findings, "next": null }))
}

/// Finds what it was told in the store, a page for each, and in the spool; removes what may be removed
/// if it is told so.
async fn sweep(State(fake): State<Fake>, uri: axum::http::Uri) -> axum::Json<Value> {
    let query = uri.query().unwrap_or_default();
    let spool = uri.path().ends_with("catalogue");
    let world = fake.world();
    let of = |stray: &&Value| (stray["kind"] == "spool") == spool;
    let mut strays: Vec<Value> = world.strays.iter().filter(of).cloned().collect();
    for stray in &mut strays {
        stray["removed"] = json!(query.contains("apply=true") && stray["kind"] != "source");
    }
    let more = !spool && !query.contains("after=") && strays.len() > 1;
    let page: Vec<Value> = match (spool, query.contains("after=")) {
        (true, _) => strays,
        (false, false) => strays.into_iter().take(1).collect(),
        (false, true) => strays.into_iter().skip(1).collect(),
    };
    let next = more.then_some("01900000-0000-7000-8000-000000000000");
    axum::Json(json!({ "videos": 2, "strays": page, "young": 1, "next": next }))
}

async fn list(
    State(fake): State<Fake>,
    Query(query): Query<HashMap<String, String>>,
) -> axum::Json<Value> {
    let world = fake.world();
    let mut items: Vec<_> = world.videos.values().collect();
    items.sort_by_key(|video| std::cmp::Reverse(video["id"].as_str().unwrap().to_owned()));
    items.retain(|video| query.get("state").is_none_or(|state| video["state"] == state.as_str()));
    let from: usize = query.get("cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let limit: usize = query.get("limit").map_or(20, |limit| limit.parse().unwrap());
    let next = (items.len() > from + limit).then(|| (from + limit).to_string());
    let items: Vec<_> = items.into_iter().skip(from).take(limit).collect();
    axum::Json(json!({ "items": items, "next_cursor": next }))
}

async fn show(State(fake): State<Fake>, Path(id): Path<Uuid>) -> Response {
    fake.world()
        .videos
        .get(&id)
        .map_or_else(not_found, |video| axum::Json(video.clone()).into_response())
}

async fn cancel(State(fake): State<Fake>, Path(id): Path<Uuid>) -> Response {
    match fake.world().videos.get_mut(&id) {
        Some(video) => {
            video["state"] = json!("failed");
            StatusCode::NO_CONTENT.into_response()
        }
        None => not_found(),
    }
}

async fn retry(State(fake): State<Fake>, Path(id): Path<Uuid>) -> Response {
    let mut world = fake.world();
    let Some(video) = world.videos.get_mut(&id) else { return not_found() };
    if video["state"] != "failed" {
        return problem(409, "not_failed", "Only a video that failed can be tried again");
    }
    (video["state"], video["reason"]) = (json!("queued"), Value::Null);
    (StatusCode::ACCEPTED, axum::Json(video.clone())).into_response()
}

async fn delete(State(fake): State<Fake>, Path(id): Path<Uuid>) -> StatusCode {
    fake.world().videos.remove(&id);
    StatusCode::NO_CONTENT
}

async fn captions(
    State(fake): State<Fake>,
    Path((id, language)): Path<(Uuid, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).unwrap().to_str().unwrap();
    if !matches!(kind, "text/vtt" | "application/x-subrip") {
        return problem(415, "unsupported_media_type", "Captions are WebVTT or SubRip.");
    }
    let cues = body.matches("-->").count();
    if cues == 0 {
        return problem(422, "invalid_captions", "Line 1: no cue.");
    }
    let track = json!({ "language": language, "name": language });
    fake.update(id, |video| video["captions"].as_array_mut().unwrap().push(track));
    axum::Json(json!({ "language": language, "name": language, "cues": cues })).into_response()
}

impl World {
    pub(crate) fn create_video(&mut self, new: &Value) -> Value {
        let id = Uuid::now_v7();
        let title = new["title"].as_str().or(new["file_name"].as_str()).unwrap_or("Untitled");
        let video = json!({
            "id": id, "title": title, "visibility": new["visibility"].as_str().unwrap_or("private"),
            "state": "awaiting_upload", "reason": null, "warnings": [],
            "file_name": new["file_name"], "profile": new["profile"], "size": null, "duration_us": null, "width": null,
            "height": null, "captions": [], "created_at": "2026-01-02T03:04:05.678901Z",
            "updated_at": "2026-01-02T03:04:05Z", "upload": null, "playback": null,
            "of_a_newer_server": 1,
        });
        self.videos.insert(id, video.clone());
        video
    }
}
