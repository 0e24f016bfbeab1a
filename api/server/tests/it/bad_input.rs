//! What people send by mistake or in malice: a clear problem or a failed video, never a dead
//! server.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::{small_disk::SmallDisk, support::Server};

#[tokio::test]
async fn files_that_are_no_video_fail_with_a_reason() {
    let server = Server::start().await;
    let truncated_mp4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\x10\0mdat".to_vec();
    let cases = [
        ("empty.mp4", Vec::new()),
        ("letter.mp4", b"Dear Sir or Madam,\nplease find my film attached.\n".repeat(200)),
        ("truncated.mp4", truncated_mp4),
        ("one-byte.mp4", vec![0]),
    ];
    for (name, bytes) in cases {
        let video = server.upload(name, bytes).await;
        let over = server.wait_until_over(&video).await;
        assert_eq!(over["state"], "failed", "{name}");
        let reason = over["reason"]["message"].as_str().unwrap();
        assert!(reason.len() > 10, "{name}: {reason}");
        assert!(!over["reason"]["code"].as_str().unwrap().is_empty(), "{name}");
        if over["reason"]["code"] != "empty_file" {
            // An empty file never becomes a job.
            let why = server.get(&format!("/api/v1/why/{video}")).await;
            assert!(!why["because"].as_array().unwrap().is_empty(), "{name}");
        }
    }
    assert_eq!(server.get("/healthz").await["status"], "ok");
}

#[tokio::test]
async fn a_gigabyte_of_zeros_is_refused_without_being_read() {
    let server = Server::start().await;
    let length: u64 = 1 << 30;
    let created = server.create_upload("zeros.mp4", length).await;
    let header = |name| created.headers()[name].to_str().unwrap().to_owned();
    let (video, url) = (header("Kinora-Video"), header("Location"));
    // In pieces, so that this test needs no gigabyte of memory.
    let piece: u64 = 64 << 20;
    for offset in (0..length).step_by(64 << 20) {
        let patched = server.patch(&url, offset, vec![0; piece as usize]).await;
        assert_eq!(patched.status(), StatusCode::NO_CONTENT);
    }
    let uploaded = Instant::now();
    let over = server.wait_until_over(&video).await;
    assert_eq!(over["state"], "failed");
    assert!(uploaded.elapsed() < Duration::from_secs(60), "{:?}", uploaded.elapsed());
}

#[tokio::test]
async fn requests_that_break_the_rules_get_problems() {
    let server = Server::start_with(&[("KINORA_UPLOAD_MAX_BYTES", "1000000")]).await;

    let too_large = server.create_upload("big.mp4", 1_000_001).await;
    assert_problem(too_large, StatusCode::PAYLOAD_TOO_LARGE, "upload_too_large").await;

    let created = server.create_upload("film.mp4", 10).await;
    let url = created.headers()["Location"].to_str().unwrap().to_owned();
    let wrong_type = server
        .request(Method::PATCH, &url)
        .header("Tus-Resumable", "1.0.0")
        .header("Upload-Offset", 0)
        .header("Content-Type", "video/mp4")
        .body("0123456789")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong_type.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_problem(
        server.patch(&url, 5, b"56789".to_vec()).await,
        StatusCode::CONFLICT,
        "offset_mismatch",
    )
    .await;
    assert_eq!(server.patch(&url, 0, vec![0; 11]).await.status(), StatusCode::PAYLOAD_TOO_LARGE);

    let without_key = reqwest::get(format!("{}/api/v1/videos", server.gateway)).await.unwrap();
    assert_problem(without_key, StatusCode::UNAUTHORIZED, "unauthenticated").await;
    let unknown = "/api/v1/videos/01890a5d-ac96-774b-bcce-b302099a8057";
    let unknown = server.request(Method::GET, unknown).send().await.unwrap();
    assert_problem(unknown, StatusCode::NOT_FOUND, "not_found").await;
    assert_eq!(server.get("/healthz").await["status"], "ok");
}

#[tokio::test]
async fn a_full_disk_answers_507_and_keeps_the_offset_true() {
    let Some(disk) = SmallDisk::mount(32) else {
        return;
    };
    let room = [("KINORA_UPLOAD_RESERVE_BYTES", "0")];
    let server = Server::start_on(disk.path().join("data"), &room, None).await;
    let never = server.create_upload("film.mp4", 64 << 20).await;
    assert_problem(never, StatusCode::INSUFFICIENT_STORAGE, "storage_full").await;

    // What fits is let in; then somebody else fills the disk.
    let created = server.create_upload("film.mp4", 16 << 20).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let url = created.headers()["Location"].to_str().unwrap().to_owned();
    std::fs::write(disk.path().join("filler"), vec![7; 20 << 20]).unwrap();
    let full = server.patch(&url, 0, vec![7; 16 << 20]).await;
    assert_problem(full, StatusCode::INSUFFICIENT_STORAGE, "storage_full").await;

    let head =
        server.request(Method::HEAD, &url).header("Tus-Resumable", "1.0.0").send().await.unwrap();
    let offset: u64 = head.headers()["Upload-Offset"].to_str().unwrap().parse().unwrap();
    assert!(offset < 12 << 20, "{offset} bytes cannot be durable on this disk");
    assert_eq!(server.get("/healthz").await["status"], "ok");
    crate::invariant::holds(&server).await;
}

async fn assert_problem(answer: reqwest::Response, status: StatusCode, code: &str) {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], code, "{problem}");
    assert!(!problem["detail"].as_str().unwrap().is_empty());
}
