//! Who uploads is killed, or who takes the upload.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use kinora_testing::{FaultyLink, Trouble, free_ports};

use crate::support::{Server, binary, sample};

/// Of the file: enough for several pieces.
const PADDING: usize = 24 << 20;
/// Bytes a second between client and server while somebody is about to be killed.
const SLOW: u32 = 4 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_the_client_and_the_server_were_killed() {
    let [port] = free_ports();
    let listen = format!("127.0.0.1:{port}");
    let mut server = Server::start_with(&[("KINORA_SERVER_LISTEN", &listen)]).await;
    let link = FaultyLink::start(listen.parse().unwrap()).await;
    let folder = tempfile::tempdir().unwrap();
    let film = padded(folder.path());
    link.set(Trouble::Throttle(SLOW));
    let upload = || {
        Command::new(binary("kinora"))
            .args(["upload", "--json", "--wait", "uploaded"])
            .arg(&film)
            .env("HOME", folder.path())
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env("KINORA_SERVER", format!("http://{}", link.address()))
            .env("KINORA_API_KEY", server.key())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };

    let mut killed = upload();
    until_durable(&server, 1 << 20).await;
    killed.kill().unwrap();
    killed.wait().unwrap();

    let lives = upload();
    let before = durable(&server);
    until_durable(&server, before + (4 << 20)).await;
    server.crash_and_restart().await;
    link.set(Trouble::None);
    let video = finished(lives).await;

    let source = server.data().join("store/sources").join(&video).join("original");
    assert!(std::fs::read(source).unwrap() == std::fs::read(&film).unwrap(), "other bytes");
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    // The first upload went on; nobody began another.
    let videos = server.get("/api/v1/videos").await;
    assert_eq!(videos["items"].as_array().unwrap().len(), 1, "{videos:#}");
}

/// A film with bytes at its end that mean nothing, no two pieces of them alike.
fn padded(folder: &Path) -> PathBuf {
    let film = sample(folder, &["--seconds", "2", "--size", "320x180"]);
    let mut bytes = std::fs::read(&film).unwrap();
    let length = u32::try_from(PADDING).unwrap();
    bytes.extend(length.to_be_bytes());
    bytes.extend(b"free");
    let mut random = fastrand::Rng::with_seed(1);
    bytes.extend(std::iter::repeat_with(|| random.u8(..)).take(PADDING - 8));
    std::fs::write(&film, bytes).unwrap();
    film
}

/// Bytes of uploads in the server's spool.
fn durable(server: &Server) -> u64 {
    let spool = std::fs::read_dir(server.data().join("uploads")).into_iter().flatten().flatten();
    spool.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

async fn until_durable(server: &Server, bytes: u64) {
    for _ in 0..600 {
        if durable(server) >= bytes {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} of {bytes} bytes arrived", durable(server));
}

/// The video of an upload that must succeed.
async fn finished(client: Child) -> String {
    let output = tokio::task::spawn_blocking(|| client.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    crate::support::uploaded(&output.stdout)
}
