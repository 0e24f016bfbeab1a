//! Uploads that are cut short, and the run after.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::process::Child;

use crate::fake::Fake;
use crate::run::{Home, Run};

const LENGTH: usize = 3_000_000;

/// An upload that was let through to 1 MB and stands still there.
async fn half_way(home: &Home, fake: &Fake, args: &[&str]) -> Child {
    fake.world().hold_at = Some(1_000_000);
    let child = home.spawn(args);
    for _ in 0..500 {
        let there = fake.world().uploads.values().any(|upload| upload.bytes.len() >= 1_000_000);
        if there {
            return child;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the upload never came half way");
}

#[tokio::test]
async fn after_kill_9_the_same_command_goes_on_from_the_offset() {
    let (home, fake) = Home::with_server().await;
    let (path, bytes) = home.file("film.mp4", LENGTH);
    let args = ["upload", "film.mp4", "--json"];
    let mut child = half_way(&home, &fake, &args).await;
    child.kill().await.unwrap();
    let remembered = home.remembered();
    assert_eq!(remembered.len(), 1);
    assert_eq!(remembered[0]["path"], path.canonicalize().unwrap().to_str().unwrap());

    fake.sever();
    let run = home.run(&args).await.ended(0);
    let lines = run.json();
    assert_eq!(lines[0]["resumed"], true);
    assert_eq!(lines[0]["video"], remembered[0]["video"]);
    assert_eq!(lines.last().unwrap()["event"], "ready");
    assert_eq!(Sha256::digest(fake.stored()), Sha256::digest(&bytes));
    let world = fake.world();
    let starts = &world.uploads.values().next().unwrap().starts;
    assert_eq!(starts.len(), 2);
    assert!(starts[1] >= 1_000_000, "goes on from where it was: {starts:?}");
    assert_eq!(world.videos.len(), 1);
    drop(world);
    assert!(home.remembered().is_empty());
}

#[tokio::test]
async fn ctrl_c_says_how_to_go_on() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", LENGTH);
    let child = half_way(&home, &fake, &["upload", "film.mp4"]).await;
    interrupt(&child).await;
    let run = Run::of(child).await.ended(130);
    assert!(run.stderr.contains("of 3.0 MB of film.mp4 are sent"), "{}", run.stderr);
    assert!(run.stderr.contains("Run the same command again"), "{}", run.stderr);
    assert_eq!(home.remembered().len(), 1);
}

#[tokio::test]
async fn ctrl_c_after_the_upload_points_to_watch() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", 1_000);
    fake.world().pace = Duration::from_secs(60);
    let child = home.spawn(&["upload", "film.mp4"]);
    while fake.count("GET /api/v1/videos/") < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    interrupt(&child).await;
    let run = Run::of(child).await.ended(130);
    let id = run.stdout.trim();
    assert!(run.stderr.contains(&format!("kinora watch {id}")), "{}", run.stderr);

    // The run after finds the same video instead of sending it again.
    fake.world().pace = Duration::from_millis(1);
    let again = home.run(&["upload", "film.mp4"]).await.ended(0);
    assert_eq!(again.stdout.trim(), id);
    assert_eq!(fake.count("PATCH"), 1);
}

#[tokio::test]
async fn an_upload_the_server_gave_up_is_begun_anew() {
    let (home, fake) = Home::with_server().await;
    let (_, bytes) = home.file("film.mp4", LENGTH);
    let args = ["upload", "film.mp4", "--wait=uploaded"];
    half_way(&home, &fake, &args).await.kill().await.unwrap();
    fake.sever();
    fake.world().uploads.clear();
    let run = home.run(&args).await.ended(0);
    assert!(run.stderr.contains("beginning anew"), "{}", run.stderr);
    assert_eq!(fake.stored(), bytes);
    assert_eq!(fake.world().videos.len(), 1, "the abandoned video is gone");
}

#[tokio::test]
async fn a_deleted_video_is_not_resumed_and_no_resume_is_obeyed() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", LENGTH);
    let args = ["upload", "film.mp4", "--wait=uploaded", "--json"];
    half_way(&home, &fake, &args).await.kill().await.unwrap();
    fake.sever();
    fake.world().videos.clear();
    let run = home.run(&args).await.ended(0);
    assert_eq!(run.json()[0]["resumed"], false);

    home.file("other.mp4", LENGTH);
    let args = ["upload", "other.mp4", "--wait=uploaded", "--json"];
    half_way(&home, &fake, &args).await.kill().await.unwrap();
    fake.sever();
    let run = home.run(&[&args[..], &["--no-resume"]].concat()).await.ended(0);
    assert_eq!(run.json()[0]["resumed"], false);
}

#[tokio::test]
async fn two_at_once_do_not_write_into_one_upload() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", LENGTH);
    let args = ["upload", "film.mp4", "--wait=uploaded"];
    let first = half_way(&home, &fake, &args).await;
    let second = home.run(&args).await.ended(5);
    assert!(second.stderr.contains("already"), "{}", second.stderr);
    fake.release();
    Run::of(first).await.ended(0);
}

async fn interrupt(child: &Child) {
    let pid = child.id().unwrap().to_string();
    let sent = tokio::process::Command::new("kill").args(["-INT", &pid]).status().await.unwrap();
    assert!(sent.success());
}
