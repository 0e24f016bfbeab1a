//! Damaged files through a whole server, after the worker's own soak (`make soak`): each upload
//! ends ready or failed with a reason, and the server lives.

use std::collections::VecDeque;

use serde_json::Value;

use crate::support::Server;

// The films and their mutations, as the worker's tests have them.
#[path = "../../../../workers/tests/worker/mutants/clips.rs"]
mod clips;

use clips::{FILM_MS, FRAMES, films, mutated};

/// Uploads that are on their way together.
const TOGETHER: usize = 6;

#[tokio::test]
#[ignore = "takes as long as KINORA_SOAK_SERVER_FILES says"]
async fn every_damaged_upload_ends() {
    let number = |name: &str, or: u32| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (files, first) = (number("KINORA_SOAK_SERVER_FILES", 60), number("KINORA_SOAK_SEED", 1000));
    let folder = tempfile::tempdir().unwrap();
    let films = films(folder.path());
    let server = Server::start().await;
    let (mut ready, mut failed, mut wrong) = (0, 0, Vec::new());
    let mut running = VecDeque::new();
    for number in 0..files {
        let seed = first + number / films.len() as u32;
        let (name, film) = &films[number as usize % films.len()];
        let video = server.upload(name, mutated(film, seed)).await;
        running.push_back((format!("{name} by seed {seed}"), video));
        let more = number + 1 < files;
        while running.len() >= TOGETHER || (!more && !running.is_empty()) {
            let (name, video) = running.pop_front().expect("it is not empty");
            let over = server.wait_until_over(&video).await;
            match over["state"].as_str() {
                Some("ready") => ready += 1,
                _ => failed += 1,
            }
            wrong.extend(wrong_with(&over).map(|what| format!("{name}: {what}: {over:#}")));
        }
    }
    println!("{files} files: {ready} ready, {failed} failed, {} wrong", wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(server.get("/healthz").await["status"], "ok");
    assert_eq!(server.encoders(), Vec::<String>::new());
    // It still does what it is for.
    let whole = server.upload("film.mp4", films[0].1.clone()).await;
    let whole = server.wait_until_over(&whole).await;
    assert_eq!(whole["state"], "ready", "{whole:#}");
    assert_eq!(whole["warnings"], Value::Array(vec![]), "{FRAMES} frames, all sound");
}

/// What must not be.
fn wrong_with(over: &Value) -> Option<&'static str> {
    if over["state"] == "failed" {
        let reason = over["reason"]["message"].as_str().unwrap_or_default();
        return (reason.len() < 15 || !reason.contains(' ')).then_some("no reason");
    }
    let warned = over["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty());
    let short = over["duration_us"].as_u64().unwrap_or(0) / 1000 * 6 < FILM_MS * 5;
    (short && !warned).then_some("short, and nobody was told")
}
