//! The client against a server that misbehaves.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fake;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake::{Fake, Fault, KEY};
use kinora_client::upload::{NewUpload, Transfer, Upload, Uploader};
use kinora_client::{
    CaptionFormat, Client, Error, JobFilter, JobState, NewVideo, ProgressState, Retry, VideoFilter,
    VideoState, Visibility,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use uuid::Uuid;

const QUICK: Retry =
    Retry { times: 4, first: Duration::from_millis(2), most: Duration::from_millis(10) };

async fn server() -> (Fake, Client) {
    let fake = Fake::start().await;
    let client = Client::new(&fake.url(), KEY).unwrap();
    (fake, client)
}

fn file(length: usize) -> (NamedTempFile, Vec<u8>) {
    let bytes: Vec<u8> = (0..length).map(|i| (i * 31 + i / 255) as u8).collect();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    (file, bytes)
}

async fn reserve(client: &Client, length: usize) -> Upload {
    let new = NewUpload { length: length as u64, ..NewUpload::default() };
    client.create_upload(&new).await.unwrap()
}

fn assert_same(fake: &Fake, bytes: &[u8]) {
    assert_eq!(Sha256::digest(fake.stored()), Sha256::digest(bytes));
}

/// Uploads 300 kB in chunks of 64 kB through these faults, and gives what was reported.
async fn upload_through(faults: &[Fault]) -> (Fake, Result<(), Error>, Vec<Transfer>) {
    let (fake, client) = server().await;
    let (file, bytes) = file(300_000);
    let upload = reserve(&client, bytes.len()).await;
    fake.world().faults.extend(faults.iter().cloned());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let result = Uploader::new(&client, &upload.url, file.path())
        .chunk_bytes(65_536)
        .retry(QUICK)
        .on_transfer(move |transfer| hear.lock().unwrap().push(transfer))
        .run()
        .await;
    if result.is_ok() {
        assert_same(&fake, &bytes);
    }
    let heard = heard.lock().unwrap().clone();
    (fake, result, heard)
}

#[tokio::test]
async fn a_file_is_sent_in_chunks_and_reported_on() {
    let (fake, result, heard) = upload_through(&[]).await;
    result.unwrap();
    assert_eq!(fake.count("PATCH"), 5);
    assert_eq!(heard.first(), Some(&Transfer::Safe { offset: 0 }));
    assert_eq!(heard.last(), Some(&Transfer::Safe { offset: 300_000 }));
    assert!(heard.contains(&Transfer::Sent { offset: 65_536 }));
}

#[tokio::test]
async fn lost_connections_and_server_errors_are_sat_out() {
    let faults = [
        Fault::Status(503, None),
        Fault::CutAfter(20_000),
        Fault::Status(500, None),
        Fault::CutAfter(0),
        Fault::Status(423, None),
        Fault::CutAnswer,
    ];
    let (fake, result, heard) = upload_through(&faults).await;
    result.unwrap();
    let waits = heard.iter().filter(|step| matches!(step, Transfer::Waiting { .. })).count();
    assert_eq!(waits, faults.len());
    let world = fake.world();
    let starts = &world.uploads.values().next().unwrap().starts;
    assert!(starts.is_sorted() && starts[1] > 0, "goes on where it was cut: {starts:?}");
}

#[tokio::test]
async fn a_mismatched_offset_is_asked_for_again() {
    let (fake, result, _) = upload_through(&[Fault::CutAfter(9_000), Fault::Forget(5_000)]).await;
    result.unwrap();
    assert_eq!(fake.count("HEAD"), 3);
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let began = std::time::Instant::now();
    let (_, result, heard) = upload_through(&[Fault::Status(503, Some("1"))]).await;
    result.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    let delay = Duration::from_secs(1);
    let cause = "The server is having a bad day.".to_owned();
    assert!(heard.contains(&Transfer::Waiting { cause, delay }));
}

#[tokio::test]
async fn without_progress_it_gives_up_as_temporary() {
    let (_, result, _) = upload_through(&vec![Fault::Status(507, None); 5]).await;
    let error = result.unwrap_err();
    assert!(error.is_temporary());
    assert_eq!(error.status(), Some(507));
}

#[tokio::test]
async fn refusals_end_an_upload_at_once() {
    let (fake, result, _) = upload_through(&[Fault::Status(413, None)]).await;
    assert!(matches!(result, Err(Error::Refused(_))));
    assert_eq!(fake.count("PATCH"), 1);
}

#[tokio::test]
async fn an_upload_goes_on_in_another_process_and_ends_when_terminated() {
    let (fake, client) = server().await;
    let (file, bytes) = file(100_000);
    let upload = reserve(&client, bytes.len()).await;
    let id = upload.url.rsplit('/').next().unwrap().parse().unwrap();
    fake.world().uploads.get_mut(&id).unwrap().bytes = bytes[..40_000].to_vec();
    Uploader::new(&client, &upload.url, file.path()).run().await.unwrap();
    assert_eq!(fake.world().uploads[&id].starts, [40_000]);
    assert_same(&fake, &bytes);

    client.terminate_upload(&upload.url).await.unwrap();
    client.terminate_upload(&upload.url).await.unwrap();
    let error = Uploader::new(&client, &upload.url, file.path()).run().await.unwrap_err();
    assert!(error.is_gone());
}

#[tokio::test]
async fn a_file_that_is_not_the_one_reserved_is_never_sent() {
    let (fake, client) = server().await;
    let (file, _) = file(1_000);
    let upload = reserve(&client, 2_000).await;
    let error = Uploader::new(&client, &upload.url, file.path()).run().await.unwrap_err();
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    assert_eq!(fake.count("PATCH"), 0);
}

#[tokio::test]
async fn a_file_that_changes_underway_is_not_mixed() {
    let (fake, client) = server().await;
    let (file, bytes) = file(200_000);
    let upload = reserve(&client, bytes.len()).await;
    fake.world().faults.push_back(Fault::CutAfter(10_000));
    let path = file.path().to_owned();
    let result = Uploader::new(&client, &upload.url, file.path())
        .retry(QUICK)
        .on_transfer(move |step| {
            if matches!(step, Transfer::Waiting { .. }) {
                std::fs::write(&path, vec![0; 200_000]).unwrap();
            }
        })
        .run()
        .await;
    assert!(matches!(result, Err(Error::Source { .. })), "{result:?}");
}

#[tokio::test]
async fn an_empty_file_needs_no_patch() {
    let (fake, client) = server().await;
    let (file, _) = file(0);
    let upload = reserve(&client, 0).await;
    Uploader::new(&client, &upload.url, file.path()).run().await.unwrap();
    assert_eq!(fake.count("PATCH"), 0);
}

#[tokio::test]
async fn videos_are_created_paged_and_deleted() {
    let (_fake, client) = server().await;
    let new = NewVideo {
        title: Some("Film".into()),
        visibility: Some(Visibility::Public),
        file_name: None,
        profile: Some("fast".into()),
        priority: None,
    };
    let first = client.create_video(&new).await.unwrap();
    assert_eq!((first.title.as_str(), first.state), ("Film", VideoState::AwaitingUpload));
    let second = client.create_video(&NewVideo::default()).await.unwrap();

    let filter = VideoFilter { limit: Some(1), ..VideoFilter::default() };
    let page = client.videos(&filter).await.unwrap();
    assert_eq!(page.items[0].id, second.id);
    let page = client.videos(&VideoFilter { cursor: page.next_cursor, ..filter }).await.unwrap();
    assert_eq!((page.items[0].id, page.next_cursor), (first.id, None));

    client.delete_video(first.id).await.unwrap();
    client.delete_video(first.id).await.unwrap();
    assert!(client.video(first.id).await.unwrap_err().is_gone());
}

#[tokio::test]
async fn words_of_a_newer_server_are_unknown_not_fatal() {
    let (fake, client) = server().await;
    let video = client.create_video(&NewVideo::default()).await.unwrap();
    fake.update(video.id, |video| video["state"] = json!("archived"));
    assert_eq!(client.video(video.id).await.unwrap().state, VideoState::Unknown);
}

#[tokio::test]
async fn captions_are_put_or_refused_with_the_line() {
    let (_fake, client) = server().await;
    let video = client.create_video(&NewVideo::default()).await.unwrap().id;
    let text = "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n".into();
    let put = client.put_captions(video, "en", Some("English"), CaptionFormat::WebVtt, text).await;
    assert_eq!(put.unwrap().cues, Some(1));
    let put = client.put_captions(video, "de", None, CaptionFormat::SubRip, "no".into()).await;
    let error = put.unwrap_err();
    assert_eq!(error.code(), Some("invalid_captions"));
    assert_eq!(error.to_string(), "Line 1: no cue.");
}

#[tokio::test]
async fn a_wrong_key_is_told_from_a_server_out_of_reach() {
    let (fake, _) = server().await;
    let stranger = Client::new(&fake.url(), "kin_wrong").unwrap();
    let error = stranger.videos(&VideoFilter::default()).await.unwrap_err();
    assert!(matches!(error, Error::Auth(_)));
    assert_eq!(fake.count("GET"), 1, "not tried again");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let nobody = Client::new(&format!("http://{address}"), KEY).unwrap();
    let error = nobody.create_video(&NewVideo::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }));
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn jobs_and_reasons_are_read() {
    let (_fake, client) = server().await;
    let video = client.create_video(&NewVideo::default()).await.unwrap().id;
    let filter = JobFilter { state: Some(JobState::Failed), ..JobFilter::default() };
    let page = client.jobs(&filter).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].error.as_ref().unwrap().code, "decoder_crashed");
    assert_eq!(client.job(page.items[0].id).await.unwrap().chunk, Some(2));
    assert_eq!(client.why(video).await.unwrap().because[0], "No worker is running.");
    assert!(client.why(Uuid::nil()).await.unwrap_err().is_gone());
}

#[tokio::test]
async fn progress_is_followed_across_a_broken_stream_to_its_end() {
    let (fake, client) = server().await;
    let video = client.create_video(&NewVideo::default()).await.unwrap().id;
    fake.world().break_after = Some(3);
    let mut events = client.progress_events(video);
    let mut states = Vec::new();
    while let Some(progress) = events.next().await {
        states.push(progress.unwrap().state);
    }
    assert_eq!(states.len(), 3 + 6);
    assert_eq!(states.last(), Some(&ProgressState::Ready));
    assert_eq!(fake.count(&format!("GET /api/v1/videos/{video}/progress/events")), 2);
    assert_eq!(client.progress(video).await.unwrap().total_us, 20_000_000);
}

#[tokio::test]
async fn progress_nobody_knows_of_ends_the_stream() {
    let (_fake, client) = server().await;
    let mut events = client.progress_events(Uuid::nil());
    assert!(events.next().await.unwrap().unwrap_err().is_gone());
    assert!(events.next().await.is_none());
}
