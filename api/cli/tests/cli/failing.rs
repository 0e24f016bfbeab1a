//! Uploads that fail, and the exit codes a script goes by.

use serde_json::json;

use crate::fake::{self, Fault};
use crate::run::Home;

#[tokio::test]
async fn wrong_usage_is_2() {
    let home = Home::new("http://127.0.0.1:1");
    home.file("a.mp4", 1);
    let cases: [&[&str]; 8] = [
        &["upload"],
        &["upload", "missing.mp4"],
        &["upload", "."],
        &["upload", "a.mp4", "--captions", "a.vtt"],
        &["upload", "a.mp4", "--captions", "en=missing.vtt"],
        &["upload", "a.mp4", "a.mp4", "--title", "one"],
        &["jobs", "show", "not-an-id"],
        &["videos", "--server", "nonsense"],
    ];
    for args in cases {
        let run = home.run(args).await.ended(2);
        assert!(run.stderr.contains("error:"), "{args:?}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    }
}

#[tokio::test]
async fn a_key_that_is_not_valid_is_4() {
    let (home, fake) = Home::with_server().await;
    let home = home.key("kin_wrong");
    home.file("a.mp4", 1);
    home.file("b.mp4", 1);
    let run = home.run(&["upload", "a.mp4"]).await.ended(4);
    assert!(run.stderr.contains("kinora login --server http://127.0.0.1"), "{}", run.stderr);
    let requests = fake.count("POST");
    home.run(&["upload", "a.mp4", "b.mp4"]).await.ended(4);
    assert_eq!(fake.count("POST"), requests + 1, "the second file would fail alike");
}

#[tokio::test]
async fn a_server_out_of_reach_is_5() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::new(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    home.file("a.mp4", 1);
    let run = home.run(&["upload", "a.mp4"]).await.ended(5);
    assert!(run.stderr.contains("Connection refused"), "{}", run.stderr);
    assert!(run.stderr.contains("kinorad"), "{}", run.stderr);
}

#[tokio::test]
async fn an_overloaded_server_is_5_and_the_upload_is_kept() {
    let (home, fake) = Home::with_server().await;
    home.file("a.mp4", 1_000);
    fake.world().faults.extend([Fault::Status(507, None), Fault::Status(507, None)]);
    let args = ["upload", "a.mp4", "--retries=1", "--wait=uploaded"];
    let run = home.run(&args).await.ended(5);
    assert!(run.stderr.contains("bad day"), "{}", run.stderr);
    assert_eq!(home.remembered().len(), 1);
    home.run(&args).await.ended(0);
    assert_eq!(fake.world().videos.len(), 1);
}

#[tokio::test]
async fn a_video_that_cannot_be_made_is_1_with_its_reason() {
    let (home, fake) = Home::with_server().await;
    home.file("a.mp4", 1_000);
    let failed = fake::failed("no_video", "The file holds no picture.");
    fake.world().script.splice(2.., [failed]);
    let run = home.run(&["upload", "a.mp4", "--json"]).await.ended(1);
    let last = run.json().pop().unwrap();
    assert_eq!(last["event"], "failed");
    assert_eq!(last["state"], "failed");
    let reason = json!({ "code": "no_video", "message": "The file holds no picture." });
    assert_eq!(last["reason"], reason);
    assert_eq!(run.stderr.matches("The file holds no picture.").count(), 1, "{}", run.stderr);
    assert!(home.remembered().is_empty());
}

#[tokio::test]
async fn a_refused_upload_is_1_and_leaves_no_empty_video() {
    let (home, fake) = Home::with_server().await;
    home.file("a.mp4", 1_000);
    fake.world().largest = Some(10);
    let run = home.run(&["upload", "a.mp4"]).await.ended(1);
    assert!(run.stderr.contains("At most 1 GB"), "{}", run.stderr);
    assert!(fake.world().videos.is_empty() && home.remembered().is_empty());
}

#[tokio::test]
async fn broken_captions_are_1_and_can_be_mended() {
    let (home, fake) = Home::with_server().await;
    home.file("a.mp4", 1_000);
    let captions = home.path().join("a.vtt");
    std::fs::write(&captions, "nothing").unwrap();
    let args = ["upload", "a.mp4", "--captions", "en=a.vtt", "--wait=uploaded"];
    let run = home.run(&args).await.ended(1);
    assert!(run.stderr.contains("a.vtt: refused: Line 1: no cue."), "{}", run.stderr);
    std::fs::write(&captions, "WEBVTT\n\n00:00.000 --> 00:01.000\nA\n").unwrap();
    home.run(&args).await.ended(0);
    assert_eq!(fake.world().videos.len(), 1);
}

#[tokio::test]
async fn some_of_several_is_3_with_a_summary() {
    let (home, fake) = Home::with_server().await;
    for name in ["a.mp4", "b.mp4", "c.mp4"] {
        home.file(name, 1_000);
    }
    fake.world().faults.push_back(Fault::Status(413, None));
    let files = ["upload", "a.mp4", "b.mp4", "c.mp4", "--wait=uploaded"];
    let run = home.run(&files).await.ended(3);
    assert!(run.stderr.contains("1 of 3 files failed:"), "{}", run.stderr);
    assert!(run.stderr.contains("a.mp4: refused:"), "{}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 3, "every video that exists has its id on stdout");
}

#[tokio::test]
async fn a_video_deleted_underway_is_1() {
    let (home, fake) = Home::with_server().await;
    let video = fake.world().create_video(&json!({}));
    fake.world().unknown_progress = 1;
    let id = video["id"].as_str().unwrap();
    let child = home.spawn(&["watch", id]);
    while fake.count("GET /api/v1/videos") < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    fake.world().videos.clear();
    let run = crate::run::Run::of(child).await.ended(1);
    assert!(run.stderr.contains("deleted"), "{}", run.stderr);
}
