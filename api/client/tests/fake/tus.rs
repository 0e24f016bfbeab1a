//! tus 1.0.0, in memory.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use serde_json::json;
use uuid::Uuid;

use super::{Fake, Fault, not_found, problem};

pub(crate) struct Upload {
    pub(crate) video: Uuid,
    pub(crate) length: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) locked: bool,
    /// Offsets at which a PATCH began.
    pub(crate) starts: Vec<usize>,
}

pub(crate) async fn create(State(fake): State<Fake>, headers: HeaderMap) -> Response {
    let length: u64 = text(&headers, "upload-length").parse().unwrap();
    assert_eq!(text(&headers, "tus-resumable"), "1.0.0");
    if fake.world().largest.is_some_and(|largest| length > largest) {
        return problem(413, "upload_too_large", "At most 1 GB can be uploaded.");
    }
    let not_yet = fake.world().not_yet;
    if not_yet > 0 {
        fake.world().not_yet = not_yet - 1;
        let detail = "3 of your videos are on their way already";
        return ([("retry-after", "1")], problem(429, "queue_full", detail)).into_response();
    }
    let metadata = text(&headers, "upload-metadata");
    let value = |key: &str| {
        let pair = metadata.split(',').find_map(|pair| pair.strip_prefix(&format!("{key} ")))?;
        Some(String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap())
    };
    let mut world = fake.world();
    let video = value("video").map_or_else(
        || {
            let new = json!({ "file_name": value("filename") });
            world.create_video(&new)["id"].as_str().unwrap().parse().unwrap()
        },
        |id| id.parse().unwrap(),
    );
    let id = Uuid::now_v7();
    let upload = Upload {
        video,
        length: length as usize,
        bytes: Vec::new(),
        locked: false,
        starts: Vec::new(),
    };
    world.uploads.insert(id, upload);
    world.moved(id);
    let location = format!("/api/v1/uploads/{id}");
    let headers = [("location", location), ("kinora-video", video.to_string())];
    (StatusCode::CREATED, headers).into_response()
}

pub(crate) async fn resource(
    State(fake): State<Fake>,
    Path(id): Path<Uuid>,
    request: Request,
) -> Response {
    if !fake.world().uploads.contains_key(&id) {
        return not_found();
    }
    match *request.method() {
        Method::HEAD => {
            let world = fake.world();
            let upload = &world.uploads[&id];
            [("upload-offset", upload.bytes.len()), ("upload-length", upload.length)]
                .map(|(name, value)| (name, value.to_string()))
                .into_response()
        }
        Method::PATCH => {
            let headers = request.headers().clone();
            patch(fake, id, &headers, request.into_body()).await
        }
        Method::DELETE => {
            fake.world().uploads.remove(&id);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

async fn patch(fake: Fake, id: Uuid, headers: &HeaderMap, body: Body) -> Response {
    let fault = fake.world().faults.pop_front();
    match &fault {
        Some(Fault::Status(status, retry_after)) => {
            let mut response = problem(*status, "made_up", "The server is having a bad day.");
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", seconds.parse().unwrap());
            }
            return response;
        }
        Some(Fault::Forget(count)) => {
            let mut world = fake.world();
            let bytes = &mut world.uploads.get_mut(&id).unwrap().bytes;
            bytes.truncate(bytes.len() - count);
        }
        _ => {}
    }
    let offset: usize = text(headers, "upload-offset").parse().unwrap();
    assert_eq!(text(headers, "content-type"), "application/offset+octet-stream");
    {
        let mut world = fake.world();
        let upload = world.uploads.get_mut(&id).unwrap();
        if upload.locked {
            return problem(423, "upload_locked", "Another request is writing to this upload.");
        }
        if upload.bytes.len() != offset {
            return problem(409, "offset_mismatch", "The upload stands elsewhere.");
        }
        upload.locked = true;
        upload.starts.push(offset);
    }
    let _unlock = Unlock(&fake, id);
    receive(&fake, id, body, fault.as_ref()).await;
    if matches!(fault, Some(Fault::CutAnswer)) {
        cut();
    }
    let mut world = fake.world();
    world.moved(id);
    let offset = world.uploads[&id].bytes.len();
    (StatusCode::NO_CONTENT, [("upload-offset", offset.to_string())]).into_response()
}

async fn receive(fake: &Fake, id: Uuid, body: Body, fault: Option<&Fault>) {
    let mut taken = 0;
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        let Ok(piece) = piece else { cut() };
        for bytes in piece.chunks(1 << 10) {
            if let Some(Fault::CutAfter(most)) = fault
                && taken >= *most
            {
                cut();
            }
            wait_while_held(fake, id).await;
            taken += bytes.len();
            match fake.world().uploads.get_mut(&id) {
                Some(upload) => upload.bytes.extend_from_slice(bytes),
                None => cut(),
            }
        }
    }
}

async fn wait_while_held(fake: &Fake, id: Uuid) {
    let severed = fake.world().severed;
    loop {
        if fake.world().severed != severed {
            cut();
        }
        let held = {
            let world = fake.world();
            let taken = world.uploads.get(&id).map_or(0, |upload| upload.bytes.len());
            world.hold_at.is_some_and(|most| taken >= most)
        };
        if !held {
            return;
        }
        let _ = tokio::time::timeout(Duration::from_millis(20), fake.released.notified()).await;
    }
}

/// Ends the connection without an answer, and without a line on stderr.
fn cut() -> ! {
    std::panic::resume_unwind(Box::new("cut"))
}

struct Unlock<'f>(&'f Fake, Uuid);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        if let Some(upload) = self.0.world().uploads.get_mut(&self.1) {
            upload.locked = false;
        }
    }
}

impl super::World {
    /// Brings the video in step with its upload.
    fn moved(&mut self, id: Uuid) {
        let upload = &self.uploads[&id];
        let (offset, length) = (upload.bytes.len(), upload.length);
        let Some(video) = self.videos.get_mut(&upload.video) else { return };
        video["upload"] =
            json!({ "url": format!("/api/v1/uploads/{id}"), "offset": offset, "length": length });
        video["size"] = json!(length);
        video["state"] = json!(if offset == length { "queued" } else { "uploading" });
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
}
