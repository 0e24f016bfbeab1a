//! What an operator does by the command line: with dead jobs on a real queue, and with what nobody
//! needs.

use serde_json::Value;

use crate::{
    encryption::profiles,
    invariant,
    support::{Server, sample},
};

/// Runs `kinora jobs …`.
async fn jobs(server: &Server, args: &[&str]) -> (i32, Vec<Value>) {
    server.kinora(&[&["jobs"], args].concat()).await
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

#[tokio::test]
async fn what_nobody_needs_is_listed_and_goes_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("KINORA_TRANSCODING_PROFILES", &*profiles(folder.path())),
        ("KINORA_TRANSCODING_DEFAULT_PROFILE", "cbcs"),
    ];
    let server = Server::start_with(&settings).await;
    let clip = sample(folder.path(), &["--seconds", "2", "--size", "320x180"]);
    let video = server.upload_file(&clip).await;
    assert_eq!(server.wait_until_over(&video).await["state"], "ready");
    // As workers leave them whose attempts lost, a database that was restored, and an upload.
    let stranger = "01900000-0000-7000-8000-000000000000";
    let lost = format!("media/{video}/1/v1/00000-9.m4s");
    let forgotten = format!("media/{stranger}/1/v1/00000-1.m4s");
    let secret = format!("keys/{stranger}/1");
    let source = format!("sources/{stranger}/original");
    for key in [&lost, &forgotten, &secret, &source] {
        let file = server.data().join("store").join(key);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "left behind").unwrap();
    }
    std::fs::write(server.data().join(format!("uploads/{stranger}.part")), "half").unwrap();

    let (code, told) = server.kinora(&["admin", "sweep"]).await;
    assert_eq!((code, told[0]["young"].as_u64()), (0, Some(4)), "{told:#?}");
    let (code, told) = server.kinora(&["admin", "sweep", "--older-than", "0"]).await;
    assert_eq!(code, 0);
    let strays = told[0]["strays"].as_array().unwrap();
    assert!(strays.iter().all(|stray| stray["removed"] == false), "{strays:#?}");
    assert!(strays.len() >= 4, "{strays:#?}");
    assert_eq!(server.kinora(&["admin", "verify", "--settled"]).await.0, 1);

    let (code, swept) = server.kinora(&["admin", "sweep", "--older-than", "0", "--apply"]).await;
    assert_eq!(code, 0);
    let gone = swept[0]["strays"].as_array().unwrap().iter();
    let gone = gone.filter(|stray| stray["removed"] == true).map(|stray| &stray["name"]);
    let gone: Vec<_> = gone.collect();
    for stray in [lost, forgotten, secret] {
        assert!(gone.contains(&&stray.clone().into()), "{stray}: {gone:?}");
    }
    assert!(server.data().join(format!("store/keys/{video}/1")).exists(), "it is played with it");
    // What may be all there is of a film waits for somebody to decide.
    let source = server.data().join("store").join(source);
    assert!(source.exists());
    std::fs::remove_file(source).unwrap();
    assert!(!server.data().join(format!("uploads/{stranger}.part")).exists());
    assert_eq!(server.kinora(&["admin", "verify", "--settled"]).await.0, 0);
    assert_eq!(server.wait_until_over(&video).await["state"], "ready");
}
