//! The main job with its store in S3, on a bad day of the server's.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use kinora_testing::{ACCESS_KEY_ID, BUCKET, Fault, FaultProxy, S3s, SECRET_ACCESS_KEY};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::{
    encryption::{base64url, license, profiles},
    support::{Server, ffprobe, rendition, sample, soundtracks, text, variants},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_video_plays_from_s3_and_is_removed_from_it() {
    let bucket = S3s::start().await;
    let proxy = FaultProxy::start(bucket.address()).await;
    let server = behind(&proxy).await;
    // From here on it is busy, loses answers and damages bytes, each now and then.
    proxy.fault("PUT", "sources/", 1, Fault::Answer(503));
    proxy.fault("PUT", "head.json", 2, Fault::CutAnswer);
    proxy.fault("PUT", ".m4s", 1, Fault::CutAnswer);
    proxy.fault("PUT", ".m4s", 1, Fault::CutRequest);
    proxy.fault("GET", "init.mp4", 1, Fault::Corrupt);
    proxy.fault("GET", ".m4s", 1, Fault::Answer(500));

    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "9", "--size", "640x360"]);
    let video = server.upload_file(&clip).await;
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    assert!(server.jobs(&video).await.iter().all(|job| job["attempt"] == 1), "no job had to know");

    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let master = text(url).await;
    let top = rendition(&variants(&master, url).remove(0)).await;
    assert_eq!(ffprobe(&top, "stream=codec_name,nb_read_packets"), ["h264,270"]);
    let sound = rendition(&soundtracks(&master, url).remove(0)).await;
    assert_eq!(ffprobe(&sound, "stream=codec_name"), ["aac"]);
    assert!(!server.data().join("store").exists(), "nothing lies in files");
    let stored = objects(bucket.root());
    assert!(stored.len() > 5 && stored.iter().all(|name| name.starts_with("media-of/kinora/")));

    let path = format!("/api/v1/videos/{video}");
    let deleted = server.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    let asked = Instant::now();
    while !objects(bucket.root()).iter().all(|name| name.ends_with("head.json")) {
        assert!(asked.elapsed() < Duration::from_secs(60), "{:?}", objects(bucket.root()));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(reqwest::get(url).await.unwrap().status(), StatusCode::GONE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_files_moves_to_a_bucket() {
    let bucket = S3s::start().await;
    let folder = tempfile::tempdir().unwrap();
    // One that is encrypted: it needs its key from the other store, and the same.
    let settings = [
        ("KINORA_TRANSCODING_PROFILES", &*profiles(folder.path())),
        ("KINORA_TRANSCODING_DEFAULT_PROFILE", "cbcs"),
    ];
    let mut server = Server::start_with(&settings).await;
    let clip = sample(folder.path(), &["--seconds", "4", "--size", "320x180"]);
    let video = server.upload_file(&clip).await;
    assert_eq!(server.wait_until_over(&video).await["state"], "ready");
    let before = sealed(&server, &video).await;
    let (endpoint, to) = (format!("http://{}", bucket.address()), format!("s3://{BUCKET}/moved"));
    let s3 = [
        ("KINORA_STORE_ENDPOINT", &*endpoint),
        ("KINORA_STORE_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("KINORA_STORE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
    ];
    let data = server.data().to_owned();
    let files = format!("file://{}", data.join("store").display());
    let kinorad = |arguments: &[&str], settings: &[(&str, &str)]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kinorad"));
        command.args(arguments).envs(settings.iter().copied());
        command.env("KINORA_DATA_DIR", &data).output().unwrap()
    };
    let moved = || kinorad(&["move-store", "--from", &files, "--to", &to], &s3);
    let refused = moved();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && told.contains("another kinorad is running"), "{told}");
    let backup = folder.path().join("kinora.backup");
    let backup = backup.to_str().unwrap();
    assert!(kinorad(&["backup", backup], &[]).status.success());

    server.stop();
    let done = moved();
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{told} {}", String::from_utf8_lossy(&done.stderr));
    assert!(told.contains("hold the same"), "{told}");
    std::fs::remove_dir_all(server.data().join("store")).unwrap();
    // The database comes from the backup, too, as on another machine.
    for name in ["kinora.sqlite", "kinora.sqlite-wal", "kinora.sqlite-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    let in_the_bucket = [&s3[..], &[("KINORA_STORE_URL", &*to)]].concat();
    let done = kinorad(&["restore", backup, "--reconcile"], &in_the_bucket);
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    in_the_bucket.iter().for_each(|(name, value)| server.set(name, value));
    server.start_again().await;
    crate::invariant::holds(&server).await;
    assert!(before == sealed(&server, &video).await, "sealed by another key");
    // What is new goes on in the bucket.
    let next = server.upload_file(&clip).await;
    assert_eq!(server.wait_until_over(&next).await["state"], "ready");
    assert!(!server.data().join("store").exists());
}

/// An encrypted video as players get it: its picture, and the licence that opens it.
async fn sealed(server: &Server, video: &str) -> (Vec<u8>, Value) {
    let found = server.get(&format!("/api/v1/videos/{video}")).await;
    let url = found["playback"]["hls_url"].as_str().unwrap();
    let top = variants(&text(url).await, url).remove(0);
    let list = text(&top).await;
    let (_, kid) = list.split_once("KEYID=0x").unwrap();
    let licenses = found["playback"]["license_url"].as_str().unwrap();
    let keys: Value = license(licenses, &[base64url(&kid[..32])]).await.json().await.unwrap();
    assert!(keys["keys"][0]["k"].is_string(), "{keys:#}");
    (rendition(&top).await, keys)
}

/// A whole part and the half of another.
static ZEROS: [u8; 24 << 20] = [0; 24 << 20];
/// More parts than may be on their way at once…
const UPLOADS: usize = 12;
/// …which is so many.
const ON_THEIR_WAY: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_uploads_that_end_at_once_never_lie_in_memory() {
    let bucket = S3s::start().await;
    let proxy = FaultProxy::start(bucket.address()).await;
    let server = behind(&proxy).await;
    let started = server.most_resident();
    proxy.fault("PUT", "partNumber=", usize::MAX, Fault::Hold);
    let uploads = (0..UPLOADS).map(|n| {
        let server = &server;
        async move {
            let created = server.create_upload(&format!("{n}.mp4"), ZEROS.len() as u64).await;
            let header = |name: &str| created.headers()[name].to_str().unwrap().to_owned();
            let (url, video) = (header("Location"), header("Kinora-Video"));
            assert_eq!(server.patch(&url, 0, &ZEROS[..]).await.status(), StatusCode::NO_CONTENT);
            video
        }
    });
    let watched = async {
        let asked = Instant::now();
        while proxy.seen("PUT", "partNumber=") < ON_THEIR_WAY {
            assert!(asked.elapsed() < Duration::from_secs(120), "parts are not on their way");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let most = server.most_resident();
        (0..2 * UPLOADS).for_each(|_| proxy.release());
        most
    };
    let (videos, most) = tokio::join!(futures::future::join_all(uploads), watched);
    // In memory those parts alone would be 200 MiB.
    let grown = (most - started) >> 20;
    assert!(grown < 64, "it grew by {grown} MiB");
    for video in videos {
        let over = server.wait_until_over(&video).await;
        assert_eq!(over["reason"]["code"], "not_media", "{over:#}");
    }
}

/// A server whose bucket is behind the proxy.
async fn behind(proxy: &FaultProxy) -> Server {
    Server::start_with(&[
        ("KINORA_STORE_URL", &format!("s3://{BUCKET}/media-of/kinora")),
        ("KINORA_STORE_ENDPOINT", &format!("http://{}", proxy.address())),
        ("KINORA_STORE_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("KINORA_STORE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
    ])
    .await
}

/// What lies in the bucket.
fn objects(root: &Path) -> Vec<String> {
    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }
    let bucket = root.join(BUCKET);
    let name = |path: PathBuf| path.strip_prefix(&bucket).unwrap().to_string_lossy().into_owned();
    // The server's own temporary files begin with a dot.
    files(&bucket).into_iter().map(name).filter(|name| !name.contains("/.")).collect()
}
