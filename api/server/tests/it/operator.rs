//! What an operator does with dead jobs, by the command line, on a real queue.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::{
    invariant,
    support::{Server, binary},
};

/// Runs `kinora jobs …`: its exit code, and what it printed, line by line.
async fn jobs(server: &Server, args: &[&str]) -> (i32, Vec<Value>) {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(binary("kinora"))
        .arg("jobs")
        .args(args)
        .arg("--json")
        .env("HOME", home.path())
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env("KINORA_SERVER", &server.gateway)
        .env("KINORA_API_KEY", server.key())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), lines)
}

#[tokio::test]
async fn dead_jobs_are_found_replayed_and_put_away() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let junk = folder.path().join("junk.mp4");
    std::fs::write(&junk, vec![7; 100_000]).unwrap();
    let video = server.upload_file(&junk).await;
    assert_eq!(server.wait_until_over(&video).await["state"], "failed");

    let (code, dead) = jobs(&server, &["dead"]).await;
    assert_eq!((code, dead.len()), (0, 1), "{dead:#?}");
    assert_eq!((&dead[0]["video"], &dead[0]["class"]), (&video.as_str().into(), &"probe".into()));
    let id = dead[0]["id"].as_str().unwrap().to_owned();

    // It fails again, as another job of another version.
    assert_eq!(jobs(&server, &["replay", &id]).await.0, 0);
    let again = server.wait_until_over(&video).await;
    assert_eq!(again["state"], "failed", "{again:#}");
    assert_eq!(jobs(&server, &["dead"]).await.1.len(), 2);
    // It is over: there is nothing to cancel.
    assert_eq!(jobs(&server, &["cancel", &video]).await.0, 1);

    assert_eq!(jobs(&server, &["purge", "--older-than", "1"]).await.1[0]["purged"], 0);
    let (code, purged) = jobs(&server, &["purge"]).await;
    assert_eq!((code, &purged[0]["purged"]), (0, &2.into()));
    assert_eq!(jobs(&server, &["dead"]).await.1, Vec::<Value>::new());
    let (_, kept) = jobs(&server, &["show", &id]).await;
    assert_eq!(kept[0]["state"], "cancelled");
    assert!(kept[0]["error"]["message"].is_string(), "{kept:#?}");
    // The job is put away, not the video.
    assert_eq!(jobs(&server, &["replay", &id]).await.0, 0);
    assert_eq!(server.wait_until_over(&video).await["state"], "failed");
    invariant::holds(&server).await;
}
