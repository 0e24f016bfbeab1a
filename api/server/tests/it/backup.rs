//! The database as a file, and back, beside a store that went on.

use std::{path::Path, process::Command};

use crate::support::{Server, sample, text};

/// What kinorad says on both outputs, and whether it did it.
fn kinorad(data: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kinorad"))
        .args(arguments)
        .env("KINORA_DATA_DIR", data)
        .env("KINORA_LOG_FILTER", "warn")
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
    let (done, said) = kinorad(&data, &["backup", file]);
    assert!(done, "while it serves: {said}");
    let (restored, said) = kinorad(&data, &["restore", file]);
    assert!(!restored && said.contains("another kinorad"), "{said}");

    let since = server.upload_file(&clip).await;
    assert_eq!(server.wait_until_over(&since).await["state"], "ready");
    server.stop();
    let (restored, said) = kinorad(&data, &["restore", file]);
    assert!(!restored && said.contains("not empty"), "{said}");
    for name in ["kinora.sqlite", "kinora.sqlite-wal", "kinora.sqlite-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    let (restored, said) = kinorad(&data, &["restore", file, "--reconcile"]);
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
