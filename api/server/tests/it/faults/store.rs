//! S3 answers with errors, late, wrongly, or not at all.

use std::time::Duration;

use kinora_testing::Fault;

use super::AtWork;
use crate::support::Cluster;

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

/// Bytes that count as a file's and mean nothing (ISO/IEC 14496-12, 8.1.2).
fn free_box(length: u32) -> Vec<u8> {
    let mut bytes = vec![0; length as usize];
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes[4..8].copy_from_slice(b"free");
    bytes
}
