//! S3 answers with errors, late, wrongly, or not at all.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use kinora_http::Timestamp;
use kinora_testing::Fault;
use reqwest::Method;
use serde_json::Value;

use super::AtWork;
use crate::support::{Cluster, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_store_and_lost_answers_are_tried_again() {
    let at_work = AtWork::start().await;
    let store = &at_work.cluster.to_bucket;
    for (method, words, fault) in [
        ("PUT", "sources", Fault::Answer(503)),
        ("PUT", "media", Fault::Answer(500)),
        ("PUT", "media", Fault::CutRequest),
        // It happened, and nobody was told: writes of the same attempt must not collide.
        ("PUT", "media", Fault::CutAnswer),
        ("GET", "sources", Fault::CutAnswer),
        ("GET", "sources", Fault::Answer(500)),
        ("PUT", "media", Fault::Delay(Duration::from_secs(3))),
    ] {
        store.fault(method, words, 2, fault);
    }
    let video = at_work.services.upload_file(&at_work.film(12)).await;
    at_work.is_ready(&video).await;
    assert!(store.seen("PUT", "media") > 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_at_the_completion_of_an_upload_leaves_no_parts_behind() {
    let at_work = AtWork::on(Cluster::start_on_moto().await).await;
    let store = &at_work.cluster.to_bucket;
    // Once nothing was done, once it was done and nobody told.
    store.fault("POST", "uploadId", 1, Fault::CutRequest);
    store.fault("POST", "uploadId", 1, Fault::CutAnswer);
    let mut film = std::fs::read(at_work.film(4)).unwrap();
    film.extend(free_box(18 << 20));
    let video = at_work.services.upload("film.mp4", film).await;
    at_work.is_ready(&video).await;
    assert!(store.seen("POST", "uploadId") >= 2, "it was not sent in parts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrupted_objects_are_noticed_and_read_again() {
    let at_work = AtWork::start().await;
    let video = at_work.begun().await;
    let store = &at_work.cluster.to_bucket;
    store.fault("GET", "head.json", 2, Fault::Corrupt);
    at_work.is_ready(&video).await;
    assert!(store.seen("GET", "head.json") > 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_are_not_seen_before_an_index_names_them_though_its_writer_dies() {
    let mut at_work = AtWork::start().await;
    let store = &at_work.cluster.to_bucket;
    store.fault("PUT", "head.json", 1, Fault::Hold);
    let video = at_work.services.upload_file(&at_work.film(12)).await;
    store.until_seen("PUT", "head.json").await;
    assert!(store.seen("PUT", "v") > 0, "no segments were stored");
    let hidden = at_work.services.get(&format!("/api/v1/videos/{video}")).await;
    assert_eq!(hidden["state"], "encoding", "{hidden:#}");
    assert!(hidden["playback"].is_null(), "{hidden:#}");
    at_work.services.crash();
    at_work.services.start_after_a_crash().await;
    // What the dead process asked for may come even now: it must not undo what the next one does.
    at_work.cluster.to_bucket.release();
    at_work.is_ready(&video).await;
}

/// Two tries of each job, ten seconds apart: by default twenty, over hours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_nothing_for_good_is_given_up_for_a_reason() {
    let settings = [("KINORA_TRANSCODING_MAX_SETBACKS", "2")];
    let at_work = AtWork::with(Cluster::start().await, &settings).await;
    let (services, store) = (&at_work.services, &at_work.cluster.to_bucket);
    store.fault("PUT", "media", usize::MAX, Fault::Answer(503));
    let begun = Instant::now();
    let video = services.upload_file(&at_work.film(4)).await;
    let failed = services.wait_for(&video, &["failed"], Duration::from_secs(240)).await;
    assert!(begun.elapsed() >= Duration::from_secs(10), "no pause: {:?}", begun.elapsed());
    assert_eq!(failed["reason"]["code"], "out_of_resources", "{failed:#}");
    let said = failed["reason"]["message"].as_str().unwrap();
    assert!(said.starts_with("The media store failed on each of 2 tries of "), "{said}");
    assert!(said.contains("could not be reached") && said.contains("503"), "{said}");
    let jobs = services.jobs(&video).await;
    let given_up = jobs.iter().find(|job| job["state"] == "failed").expect("one was given up");
    assert!(given_up["attempt"].as_u64() >= Some(2), "{given_up:#}");
    // Each try of the job sent its request several times.
    assert!(store.seen("PUT", "media") >= 2 * 5, "{}", store.seen("PUT", "media"));
    // Its tombstone waits for a store that takes it.
    store.mend();
    until_settled(services).await;
    assert!(store.seen("PUT", "head.json") > 0, "there is no tombstone");
}

/// The date that moto tells of every upload in parts.
const MOTOS_DATE: &str = "2010-11-10T20:48:33.000Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_who_was_killed_are_pending_then_a_fault_then_swept() {
    let mut at_work = AtWork::on(Cluster::start_on_moto().await).await;
    began(&at_work, 1);
    at_work.cluster.to_bucket.fault("PUT", "partNumber=2", 1, Fault::Hold);
    let mut film = std::fs::read(at_work.film(4)).unwrap();
    film.extend(free_box(18 << 20));
    let created = at_work.services.create_upload("film.mp4", film.len() as u64).await;
    let header = |name: &str| created.headers()[name].to_str().unwrap().to_owned();
    let (url, video) = (header("Location"), header("Kinora-Video"));
    let patch = at_work.services.request(Method::PATCH, &url);
    let patch = patch.header("Tus-Resumable", "1.0.0").header("Upload-Offset", 0);
    let patch = patch.header("Content-Type", "application/offset+octet-stream").body(film);
    let sent = tokio::spawn(patch.send());
    at_work.cluster.to_bucket.until_seen("PUT", "partNumber=2").await;
    at_work.services.crash();
    assert!(sent.await.unwrap().is_err(), "it was answered by a dead process");
    // A process that finds its note of an upload aborts it at its start; a disk may lose the note.
    let notes = at_work.services.data().join("s3-uploads");
    let lost = tempfile::TempDir::new().unwrap();
    let note = only_file(&notes);
    std::fs::copy(&note, lost.path().join("note")).unwrap();
    std::fs::remove_file(&note).unwrap();
    at_work.services.start_after_a_crash().await;
    at_work.is_ready(&video).await;

    // It began an upload anew; that of the dead process may yet be somebody's.
    let services = &at_work.services;
    assert_eq!(unfinished(services).await, ["pending"]);
    assert_eq!(services.kinora(&["admin", "verify"]).await.0, 0);
    assert_eq!(services.kinora(&["admin", "verify", "--settled"]).await.0, 1);
    assert_eq!(swept(services, &["--apply"]).await, [false; 0]);
    // A day later it is nobody's.
    began(&at_work, 25);
    assert_eq!(unfinished(services).await, ["fault"]);
    assert_eq!(services.kinora(&["admin", "verify"]).await.0, 1);
    assert_eq!(swept(services, &[]).await, [false]);
    assert_eq!(swept(services, &["--apply"]).await, [true]);
    assert_eq!(unfinished(services).await, [""; 0]);
    assert_eq!(services.kinora(&["admin", "verify"]).await.0, 0);
    at_work.is_ready(&video).await;

    // What is noted and long over does no harm.
    at_work.services.crash();
    std::fs::copy(lost.path().join("note"), &note).unwrap();
    at_work.services.start_after_a_crash().await;
    assert!(!note.exists(), "it is still to be aborted");
}

/// The file of a folder that holds one.
fn only_file(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap();
    let only = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "{} holds others", folder.display());
    only
}

/// Lets moto say that uploads in parts began so many hours ago.
fn began(at_work: &AtWork, hours: i64) {
    let store = &at_work.cluster.to_bucket;
    store.mend();
    store.fault("GET", "uploads=", usize::MAX, Fault::Replace(MOTOS_DATE, hours_ago(hours)));
}

/// How grave `kinora admin verify` takes each upload to the store that nobody ended.
async fn unfinished(services: &Server) -> Vec<String> {
    let (_, told) = services.kinora(&["admin", "verify"]).await;
    let findings = told[0]["findings"].as_array().unwrap().iter();
    let unfinished = findings.filter(|finding| finding["code"] == "unfinished_write");
    unfinished.map(|finding| finding["severity"].as_str().unwrap().to_owned()).collect()
}

/// Of each such upload that is old enough, whether `kinora admin sweep` removed it.
async fn swept(services: &Server, args: &[&str]) -> Vec<bool> {
    let (code, told) = services.kinora(&[&["admin", "sweep"], args].concat()).await;
    assert_eq!(code, 0, "{told:#?}");
    let strays = told[0]["strays"].as_array().unwrap().iter();
    let writes = strays.filter(|stray| stray["kind"] == "write");
    writes.map(|stray| stray["removed"] == true).collect()
}

/// Waits until nothing is lost, left behind or yet to be done. That this server does not list uploads
/// in parts stays to be said.
async fn until_settled(services: &Server) {
    let asked = Instant::now();
    loop {
        let (_, told) = services.kinora(&["admin", "verify"]).await;
        let findings = told[0]["findings"].as_array().unwrap();
        if findings.iter().all(|finding| finding["code"] == "unlisted_writes") {
            return;
        }
        assert!(asked.elapsed() < Duration::from_secs(120), "{told:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A time as S3 writes it.
fn hours_ago(hours: i64) -> &'static str {
    let since_us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
    match serde_json::to_value(Timestamp(since_us - hours * 3_600_000_000)).unwrap() {
        Value::String(time) => time.leak(),
        other => panic!("{other} is no time"),
    }
}

/// Bytes that count as a file's and mean nothing (ISO/IEC 14496-12, 8.1.2).
fn free_box(length: u32) -> Vec<u8> {
    let mut bytes = vec![0; length as usize];
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes[4..8].copy_from_slice(b"free");
    bytes
}
