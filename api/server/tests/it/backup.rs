//! The database as a file, and back, beside a store that went on.

use std::{path::Path, process::Command};

use kinora_testing::Postgres;
use reqwest::Method;

use crate::support::{Server, sample, text};

const DATABASE: &str = "KINORA_DATABASE_URL";

/// What kinorad says on both outputs, and whether it did it.
fn kinorad(data: &Path, database: Option<&str>, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kinorad"))
        .args(arguments)
        .env("KINORA_DATA_DIR", data)
        .env("KINORA_LOG_FILTER", "warn")
        .envs(database.map(|url| (DATABASE, url)))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn a_backup_comes_back_and_what_came_since_is_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::start_on(data.clone(), &[], None).await;
    let clip = sample(folder.path(), &["--seconds", "6", "--size", "320x180"]);
    let before = server.upload_file(&clip).await;
    assert_eq!(server.wait_until_over(&before).await["state"], "ready");
    let file = folder.path().join("kinora.backup");
    let file = file.to_str().unwrap();
    let (done, said) = kinorad(&data, None, &["backup", file]);
    assert!(done, "while it serves: {said}");
    let (restored, said) = kinorad(&data, None, &["restore", file]);
    assert!(!restored && said.contains("another kinorad"), "{said}");

    let since = server.upload_file(&clip).await;
    assert_eq!(server.wait_until_over(&since).await["state"], "ready");
    server.stop();
    let (restored, said) = kinorad(&data, None, &["restore", file]);
    assert!(!restored && said.contains("not empty"), "{said}");
    for name in ["kinora.sqlite", "kinora.sqlite-wal", "kinora.sqlite-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    let (restored, said) = kinorad(&data, None, &["restore", file, "--reconcile"]);
    assert!(restored && said.contains(&since) && !said.contains(&before), "{said}");

    server.start_again().await;
    let kept = server.wait_until_over(&before).await;
    assert_eq!(kept["state"], "ready", "{kept:#}");
    text(kept["playback"]["hls_url"].as_str().unwrap()).await;
    let adopted = server.wait_until_over(&since).await;
    assert_eq!(adopted["state"], "ready", "{adopted:#}");
    let url = adopted["playback"]["hls_url"].as_str().unwrap();
    assert!(url.contains("/2/"), "{url}: beside what nobody remembers");
    text(url).await;
    // What was accepted before is not made again.
    assert!(server.jobs(&before).await.iter().all(|job| job["attempt"] == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_that_is_lost_is_made_up_for_beside_a_store_that_lost_something() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = |postgres: &Postgres| format!("{}/postgres", postgres.url());
    let postgres = Postgres::start();
    let mut server = Server::start_on(data.clone(), &[(DATABASE, &at(&postgres))], None).await;
    let clip = sample(folder.path(), &["--seconds", "3", "--size", "320x180"]);
    let [kept, lost] = [server.upload_file(&clip).await, server.upload_file(&clip).await];
    for video in [&kept, &lost] {
        assert_eq!(server.wait_until_over(video).await["state"], "ready");
    }
    let file = folder.path().join("kinora.backup");
    let file = file.to_str().unwrap();
    let (done, said) = kinorad(&data, Some(&at(&postgres)), &["backup", file]);
    assert!(done, "{said}");
    server.stop();
    drop(postgres);
    std::fs::remove_dir_all(data.join("store/media").join(&lost)).unwrap();

    let postgres = Postgres::start();
    let (restored, said) = kinorad(&data, Some(&at(&postgres)), &["restore", file, "--reconcile"]);
    assert!(restored && said.contains(&lost) && !said.contains(&kept), "{said}");
    server.set(DATABASE, &at(&postgres));
    server.start_again().await;
    let ready = server.wait_until_over(&kept).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    text(ready["playback"]["hls_url"].as_str().unwrap()).await;
    let failed = server.wait_until_over(&lost).await;
    assert_eq!(failed["reason"]["code"], "media_lost", "{failed:#}");
    let retry = server.request(Method::POST, &format!("/api/v1/videos/{lost}/retry"));
    assert!(retry.send().await.unwrap().status().is_success());
    let ready = server.wait_until_over(&lost).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    text(ready["playback"]["hls_url"].as_str().unwrap()).await;
}
