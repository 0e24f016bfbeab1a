//! What a live test puts: whole, in order, and with a clock that is read again.

use std::{
    convert::Infallible,
    net::SocketAddr,
    process::Output,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use bytes::Bytes;
use gstreamer_video::prelude::*;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use kinora_pipeline::sample::read_clock;
use serde_json::Value;
use tokio::{net::TcpListener, process::Command};

use crate::joined;

/// Method with path and query, and body.
type Asked = (String, Bytes);

/// Takes in what is put; answers everything with `status` and words.
async fn ingest(status: StatusCode) -> (SocketAddr, Arc<Mutex<Vec<Asked>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::default());
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let asked: Arc<Mutex<Vec<Asked>>> = Arc::clone(&kept);
            let take = service_fn(move |request: Request<Incoming>| {
                let asked = Arc::clone(&asked);
                async move {
                    let name = format!("{} {}", request.method(), request.uri());
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    asked.lock().unwrap().push((name, body));
                    let mut answer = Response::new(Full::new(Bytes::from_static(b"words")));
                    *answer.status_mut() = status;
                    Ok::<_, Infallible>(answer)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), take));
        }
    });
    (address, asked)
}

async fn live_test(to: SocketAddr, flags: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora-encoder"));
    command.args(["live-test", "--json", "--size", "320x180", "--to", &format!("http://{to}")]);
    command.args(flags.split_whitespace()).kill_on_drop(true).output().await.unwrap()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

#[tokio::test]
async fn parts_follow_each_other_and_their_clock_is_read() {
    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    let (to, asked) = ingest(StatusCode::NO_CONTENT).await;
    let began = now_ms();
    let flags = format!("--stream {ID} --seconds 2 --rate 25 --part-ms 320");
    let output = live_test(to, &flags).await;
    let ended = now_ms();
    assert!(output.status.success(), "{output:?}");

    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let root = format!("/internal/live/{ID}");
    let names: Vec<&str> = asked.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..2], [format!("PUT {root}/v1"), format!("PUT {root}/v1/init.mp4")]);
    let description: Value = serde_json::from_slice(&asked[0].1).unwrap();
    assert_eq!(description["part_target"], 8 * 3600);
    assert_eq!(description["target_duration_s"], 1);
    let ticks = |frames: u64| frames * 3600;
    let mut expected = vec![];
    for segment in 0..2 {
        for (part, frames, flags) in
            [(0, 8, "&independent"), (1, 8, ""), (2, 8, ""), (3, 1, "&last")]
        {
            expected
                .push(format!("PUT {root}/v1/{segment}.{part}?duration={}{flags}", ticks(frames)));
        }
    }
    let mut times = vec![];
    let parts = names[2..names.len() - 1].iter().map(|name| {
        let (before, after) = name.split_once("&at=").unwrap_or((name, ""));
        let (at, after) = after.split_once('&').unwrap_or((after, ""));
        times.extend(at.parse::<u64>().ok().map(|at| at / 1000));
        if after.is_empty() { before.to_owned() } else { format!("{before}&{after}") }
    });
    assert_eq!(parts.collect::<Vec<_>>(), expected);
    assert_eq!(names[names.len() - 1], format!("POST {root}/end"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("joined.mp4");
    let bytes: Vec<&[u8]> = asked[1..asked.len() - 1].iter().map(|(_, body)| &body[..]).collect();
    std::fs::write(&path, bytes.concat()).unwrap();
    gstreamer::init().unwrap();
    joined::assert_on_grid(&joined::units(&path), 3600, 25);
    let clocks = joined::frames(&path, |frame| {
        let stride = frame.plane_stride()[0] as usize;
        read_clock(frame.plane_data(0).unwrap(), stride, 320, 180).expect("a clock")
    });
    assert_eq!(clocks.len(), 50);
    assert!(clocks.is_sorted(), "{clocks:?}");
    assert!(began <= clocks[0] && clocks[49] <= ended, "{began} {clocks:?} {ended}");
    // What playlists call a segment's time is that of its first picture or a little before.
    for (time, clock) in times.iter().zip([clocks[0], clocks[25]]) {
        assert!(began <= *time && time <= &(clock + 1), "{began} {times:?} {clocks:?}");
    }
    assert_eq!(times.len(), 2);
}

#[tokio::test]
async fn who_is_refused_is_told_why() {
    let (to, _) = ingest(StatusCode::CONFLICT).await;
    let output = live_test(to, "--seconds 1").await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("409 Conflict: words"), "{said}");
    assert!(!said.contains("Watch"), "{said}");

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let output = live_test(free, "--seconds 1").await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("set origin.ingest_listen"), "{said}");

    let usage = live_test(free, "--part-ms 900").await;
    assert_eq!(usage.status.code(), Some(2));
}
